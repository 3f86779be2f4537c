// SPDX-License-Identifier: MIT

// cache keeps a number of MiB and replaces them again and again, as a cache does: cache KEPT_MIB REPLACED_MIB. What it has
// replaced is garbage.
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	kept, _ := strconv.Atoi(os.Args[1])
	replaced, _ := strconv.Atoi(os.Args[2])
	const mebibyte = 1 << 20
	entries := make([][]byte, kept)
	for number := 0; number < kept+replaced; number++ {
		entry := make([]byte, mebibyte)
		for place := range entry {
			entry[place] = 1
		}
		entries[number%kept] = entry
	}
	sum := 0
	for _, entry := range entries {
		sum += len(entry) * int(entry[0])
	}
	fmt.Println("kept", sum/mebibyte, "MiB")
}

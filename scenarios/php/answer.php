<?php
// SPDX-License-Identifier: MIT
// Takes as many MiB of memory for its answer as the query says: answer.php?160 takes 160 MiB.
$text = str_repeat("x", (int) $_SERVER["QUERY_STRING"] << 20);
echo "length ", strlen($text), "\n";

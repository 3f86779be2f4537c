// SPDX-License-Identifier: MIT
import java.io.IOException;

/** A service that runs a command once, and says how it ended. */
public final class Spawn {
  private Spawn() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    int status = new ProcessBuilder(arguments).inheritIO().start().waitFor();
    System.out.println("command ended with " + status);
  }
}

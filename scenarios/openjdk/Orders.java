// SPDX-License-Identifier: MIT
import java.util.ArrayDeque;

/**
 * A service that keeps its last orders and throws away the older ones: Orders KEPT_MIB HANDLED_MIB. Each order is a block of
 * 1 MiB, written in full. What it keeps is small; what it has handled in all is garbage.
 */
public final class Orders {
  private Orders() {}

  public static void main(String[] arguments) {
    int kept = Integer.parseInt(arguments[0]);
    int handled = Integer.parseInt(arguments[1]);
    System.out.println("largest heap " + Runtime.getRuntime().maxMemory() / (1 << 20) + " MiB");
    ArrayDeque<byte[]> last = new ArrayDeque<>();
    long sum = 0;
    for (int number = 0; number < handled; ++number) {
      byte[] order = new byte[1 << 20];
      java.util.Arrays.fill(order, (byte) 1);
      last.addLast(order);
      if (last.size() > kept) {
        sum += last.removeFirst()[number];
      }
    }
    System.out.println("handled " + (sum + last.size()) + " orders");
  }
}

// SPDX-License-Identifier: MIT
import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * What brings Java to a limit of mappings, in small. `Mappings threads N` starts N threads that stay. `Mappings segments N FOLDER`
 * maps N files of a record each, as a message log or a search index maps its segments, and keeps them mapped; it writes those
 * that do not exist yet, and ends with the sum of all records.
 */
public final class Mappings {
  /** Behind its first digit each number has eight. */
  private static final int FIRST = 100_000_000;

  private Mappings() {}

  public static void main(String[] arguments) throws IOException {
    int count = Integer.parseInt(arguments[1]);
    if (arguments[0].equals("threads")) {
      startThreads(count);
    } else {
      mapSegments(count, Path.of(arguments[2]));
    }
  }

  private static void startThreads(int count) {
    CountDownLatch end = new CountDownLatch(1);
    for (int number = 0; number < count; ++number) {
      Thread thread = new Thread(() -> {
        try {
          end.await();
        } catch (InterruptedException stopped) {
          Thread.currentThread().interrupt();
        }
      });
      thread.setDaemon(true);
      thread.start();
    }
    System.out.println("started " + count + " threads");
  }

  private static void mapSegments(int count, Path folder) throws IOException {
    Files.createDirectories(folder);
    for (int number = 0; number < count; ++number) {
      Path file = folder.resolve(number + ".log");
      if (!Files.exists(file)) {
        Files.writeString(file, String.valueOf(FIRST + number).substring(1));
      }
    }
    List<MappedByteBuffer> segments = new ArrayList<>();
    for (int number = 0; number < count; ++number) {
      try (FileChannel file = FileChannel.open(folder.resolve(number + ".log"), StandardOpenOption.READ)) {
        segments.add(file.map(FileChannel.MapMode.READ_ONLY, 0, file.size()));
      }
    }
    long sum = 0;
    for (MappedByteBuffer segment : segments) {
      byte[] record = new byte[segment.remaining()];
      segment.get(record);
      sum += Long.parseLong(new String(record));
    }
    System.out.println("sum of " + count + " segments " + sum);
  }
}

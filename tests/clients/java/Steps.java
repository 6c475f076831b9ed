// SPDX-License-Identifier: Apache-2.0

import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.util.Arrays;
import java.util.Objects;

/** What the stories of both Java SDKs share: where the server is, how a step is told. */
final class Steps {
  static final int MIB = 1 << 20;
  static final String TAG = System.getenv("STORY_TAG"), ENDPOINT = System.getenv("STORY_ENDPOINT");
  static final boolean STRICT = "strict".equals(System.getenv("STORY_MODE"));

  interface Step {
    void run() throws Exception;
  }

  private Steps() {}

  static void tell(String name, Step step) {
    try {
      step.run();
      System.out.println("{\"step\": \"" + name + "\", \"ok\": true}");
    } catch (Throwable e) {
      StringBuilder text = new StringBuilder(String.valueOf(e));
      for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) text.append("\ncaused by ").append(cause);
      Arrays.stream(e.getStackTrace()).filter(f -> f.getFileName() != null && f.getFileName().startsWith("Story")).forEach(f -> text.append("\n  ").append(f));
      System.out.println("{\"step\": \"" + name + "\", \"ok\": false, \"error\": " + quoted(text.toString()) + "}");
    }
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.substring(0, Math.min(4000, text.length())).toCharArray()) {
      if (c < ' ' || c == '"' || c == '\\') out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    return out.append('"').toString();
  }

  static void equal(Object got, Object wanted) {
    if (!Objects.deepEquals(got, wanted)) throw new AssertionError(got + " is not " + wanted);
  }

  static void isTrue(boolean value, Object what) {
    if (!value) throw new AssertionError(String.valueOf(what));
  }

  static <E extends Throwable> E raises(Class<E> type, Step step) {
    try {
      step.run();
    } catch (Throwable e) {
      if (type.isInstance(e)) return type.cast(e);
      throw new AssertionError(e + " is not a " + type.getSimpleName(), e);
    }
    throw new AssertionError("no " + type.getSimpleName());
  }

  static byte[] pattern(int size) {
    byte[] data = new byte[size];
    for (int i = 0; i < size; ++i) data[i] = (byte) (i % 251);
    return data;
  }

  static byte[] all(InputStream in) throws Exception {
    try (in) {
      return in.readAllBytes();
    }
  }

  /** One request by plain HTTP(S); its body. */
  static String fetch(String method, URL url, byte[] body, int status) throws Exception {
    HttpURLConnection connection = (HttpURLConnection) url.openConnection();
    connection.setRequestMethod(method);
    if (body != null) {
      connection.setDoOutput(true);
      connection.setRequestProperty("Content-Type", "application/octet-stream");
      connection.getOutputStream().write(body);
    }
    int got = connection.getResponseCode();
    InputStream in = got < 400 ? connection.getInputStream() : connection.getErrorStream();
    String text = new String(in == null ? new byte[0] : all(in));
    isTrue(got == status, got + " is not " + status + ": " + text);
    return text;
  }

  static URL spoiled(URL url) throws Exception {
    String text = url.toString();
    int at = text.indexOf("X-Amz-Signature=") + "X-Amz-Signature=".length();
    return new URL(text.substring(0, at) + (text.startsWith("00", at) ? "11" : "00") + text.substring(at + 2));
  }
}

// SPDX-License-Identifier: Apache-2.0

// A function for tests: speaks the Lambda Runtime API over bare sockets, static, no library but libc. The event's member
// "do" chooses: "echo" (default), "error", "crash", "exit", "sleep" (with "ms"), "env" (with "name"), "print" (with "text"),
// "context", "count" (calls of this environment), "write" (to /var/task), "listdir" (with "path").

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kBuffer = 7 << 20 };
static char buffer[kBuffer], answer[kBuffer], request_id[128], client_context[4096];
static char host[64] = "127.0.0.1";
static int port = 9001;

static int dial(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  inet_pton(AF_INET, host, &address.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0) {
    perror("connect to the Runtime API");
    exit(20);
  }
  return fd;
}

static void send_all(int fd, const char* text, size_t n) {
  while (n > 0) {
    ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
    if (sent <= 0) exit(21);
    text += sent, n -= (size_t)sent;
  }
}

static void header(const char* head, const char* name, char* out, size_t size) {
  out[0] = '\0';
  for (const char* line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
    size_t n = strlen(name);
    if (strncasecmp(line + 2, name, n) != 0 || line[2 + n] != ':') continue;
    const char* value = line + 3 + n + strspn(line + 3 + n, " ");
    snprintf(out, size, "%.*s", (int)strcspn(value, "\r"), value);
    return;
  }
}

// One request on a connection of its own. The body of the answer is returned, ended by NUL.
static char* ask(const char* method, const char* path, const char* extra, const char* body, size_t body_size) {
  static char head[8192];
  int fd = dial();
  int n = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n",
                   method, path, host, port, body_size, extra);
  send_all(fd, head, (size_t)n);
  send_all(fd, body, body_size);
  size_t size = 0;
  for (;;) {
    ssize_t got = recv(fd, buffer + size, sizeof buffer - 1 - size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += (size_t)got;
    buffer[size] = '\0';
    char length[32], *end = strstr(buffer, "\r\n\r\n");
    if (!end) continue;
    header(buffer, "Content-Length", length, sizeof length);
    if (length[0] && size >= (size_t)(end + 4 - buffer) + strtoul(length, NULL, 10)) break;
  }
  close(fd);
  buffer[size] = '\0';
  char* end = strstr(buffer, "\r\n\r\n");
  if (!end) exit(22);
  *end = '\0';
  header(buffer, "Lambda-Runtime-Aws-Request-Id", request_id, sizeof request_id);
  header(buffer, "Lambda-Runtime-Client-Context", client_context, sizeof client_context);
  return end + 4;
}

// The text or number of a member of a flat event; good enough for tests.
static const char* member(const char* event, const char* name, char* out, size_t size) {
  char pattern[64];
  snprintf(pattern, sizeof pattern, "\"%s\"", name);
  out[0] = '\0';
  const char* at = strstr(event, pattern);
  if (!at) return out;
  at += strlen(pattern);
  at += strspn(at, " :");
  if (*at == '"') {
    snprintf(out, size, "%.*s", (int)strcspn(at + 1, "\""), at + 1);
  } else {
    snprintf(out, size, "%.*s", (int)strcspn(at, ",} "), at);
  }
  return out;
}

static void list_directory(const char* path) {
  DIR* stream = opendir(path);
  size_t n = (size_t)snprintf(answer, sizeof answer, "{\"errno\":%d,\"names\":[", stream ? 0 : errno);
  const char* comma = "";
  for (struct dirent* entry; stream && n < sizeof answer - 1024 && (entry = readdir(stream));) {
    n += (size_t)snprintf(answer + n, sizeof answer - n, "%s\"%s\"", comma, entry->d_name);
    comma = ",";
  }
  snprintf(answer + n, sizeof answer - n, "]}");
  if (stream) closedir(stream);
}

// Fills `answer`; returns whether it is a result (1) or an error (0).
static int handle(const char* event, int count) {
  char what[32], value[4096];
  member(event, "do", what, sizeof what);
  if (strcmp(what, "error") == 0) {
    snprintf(answer, sizeof answer, "{\"errorMessage\":\"asked for\",\"errorType\":\"TestError\",\"stackTrace\":[]}");
    return 0;
  }
  if (strcmp(what, "crash") == 0) {
    fflush(stdout);
    abort();
  }
  if (strcmp(what, "exit") == 0) exit(atoi(member(event, "status", value, sizeof value)));
  if (strcmp(what, "sleep") == 0) {
    long ms = atol(member(event, "ms", value, sizeof value));
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
    snprintf(answer, sizeof answer, "{\"slept\":%ld}", ms);
  } else if (strcmp(what, "env") == 0) {
    const char* text = getenv(member(event, "name", value, sizeof value));
    snprintf(answer, sizeof answer, text ? "{\"value\":\"%s\"}" : "{\"value\":null}", text ? text : "");
  } else if (strcmp(what, "print") == 0) {
    printf("%s\n", member(event, "text", value, sizeof value));
    snprintf(answer, sizeof answer, "{\"request\":\"%s\"}", request_id);
  } else if (strcmp(what, "context") == 0) {
    snprintf(answer, sizeof answer, "%s", client_context[0] ? client_context : "null");
  } else if (strcmp(what, "count") == 0) {
    snprintf(answer, sizeof answer, "{\"count\":%d}", count);
  } else if (strcmp(what, "write") == 0) {
    FILE* file = fopen("/var/task/written", "w");
    snprintf(answer, sizeof answer, "{\"written\":%s}", file ? "true" : "false");
  } else if (strcmp(what, "listdir") == 0) {
    list_directory(member(event, "path", value, sizeof value));
  } else {
    snprintf(answer, sizeof answer, "%s", event);
  }
  return 1;
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char* api = getenv("AWS_LAMBDA_RUNTIME_API");
  if (api) sscanf(api, "%63[^:]:%d", host, &port);
  for (int count = 1;; ++count) {
    char* event = ask("GET", "/2018-06-01/runtime/invocation/next", "", "", 0);
    char path[256], id[sizeof request_id];
    snprintf(id, sizeof id, "%s", request_id);
    int ok = handle(event, count);
    snprintf(path, sizeof path, "/2018-06-01/runtime/invocation/%s/%s", id, ok ? "response" : "error");
    ask("POST", path, ok ? "" : "Lambda-Runtime-Function-Error-Type: TestError\r\n", answer, strlen(answer));
  }
}

// SPDX-License-Identifier: Apache-2.0

// A function that leaves a trace which survives whatever is killed: for every event it puts an item into the table
// "processed", through the gateway inside its sandbox, and answers only when that is acknowledged. The item's id is the
// event's member "id" or, of an S3 notification, KEY@ETAG. With the member "flaky" the first attempt fails on purpose.
// Speaks HTTP over bare sockets; static, no library but libc.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[1 << 20];

// One request on a connection of its own; returns the status, `*body` and `buffer` hold the answer.
static int ask(int port, const char* head, const char* content, const char** body) {
  static char request[8192];
  int size = snprintf(request, sizeof request, "%s\r\nHost: 127.0.0.1:%d\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                      head, port, strlen(content), content);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0) return 0;
  int ok = send(fd, request, (size_t)size, MSG_NOSIGNAL) == size;
  size_t got = 0;
  for (ssize_t n; ok && got < sizeof buffer - 1 && (n = recv(fd, buffer + got, sizeof buffer - 1 - got, 0)) > 0;)
    got += (size_t)n;
  close(fd);
  buffer[got] = '\0';
  const char* end = strstr(buffer, "\r\n\r\n");
  *body = end ? end + 4 : "";
  return end ? atoi(buffer + strlen("HTTP/1.1 ")) : 0;
}

static void member(const char* text, const char* name, char* out, size_t size) {
  char pattern[64];
  snprintf(pattern, sizeof pattern, "\"%s\"", name);
  out[0] = '\0';
  const char* at = strstr(text, pattern);
  if (!at) return;
  at += strlen(pattern);
  at += strspn(at, " :\"");
  snprintf(out, size, "%.*s", (int)strcspn(at, "\","), at);
}

static int put(const char* id, int only_new) {
  char content[1024];
  const char* body;
  snprintf(content, sizeof content, "{\"TableName\":\"processed\",\"Item\":{\"id\":{\"S\":\"%s\"}}%s}", id,
           only_new ? ",\"ConditionExpression\":\"attribute_not_exists(id)\"" : "");
  return ask(
      4566,
      "POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\nContent-Type: application/x-amz-json-1.0\r\n"
      "Authorization: AWS4-HMAC-SHA256 Credential=f/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
      content, &body);
}

// NULL where the trace is there, else what is wrong.
static const char* record(const char* event) {
  static char id[512], tried[600];
  const char* object = strstr(event, "\"object\"");
  if (object) {
    char key[300], etag[64];
    member(object, "key", key, sizeof key);
    member(object, "eTag", etag, sizeof etag);
    snprintf(id, sizeof id, "%s@%s", key, etag);
  } else {
    member(event, "id", id, sizeof id);
  }
  snprintf(tried, sizeof tried, "tried %s", id);
  if (strstr(event, "\"flaky\"") && put(tried, 1) == 200) return "fails once";
  return put(id, 0) == 200 ? NULL : "the item was not taken";
}

int main(void) {
  for (;;) {
    const char* event;
    char id[128] = "", head[512];
    if (ask(9001, "GET /2018-06-01/runtime/invocation/next HTTP/1.1", "", &event) != 200) return 1;
    const char* line = strcasestr(buffer, "lambda-runtime-aws-request-id:");
    if (!line || line > event) return 1;
    line += strcspn(line, ":") + 1;
    line += strspn(line, " ");
    snprintf(id, sizeof id, "%.*s", (int)strcspn(line, "\r"), line);
    const char* problem = record(event);
    char answer[128] = "{}";
    if (problem) snprintf(answer, sizeof answer, "{\"errorMessage\":\"%s\",\"errorType\":\"TestError\"}", problem);
    snprintf(head, sizeof head, "POST /2018-06-01/runtime/invocation/%s/%s HTTP/1.1", id, problem ? "error" : "response");
    ask(9001, head, answer, &event);
  }
}

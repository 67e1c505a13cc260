// Feeds a Redis stream: one XADD an event, pipelined, so many events unanswered at a time.
//
//     cc -O2 -o redis_stream redis_stream.c
//     redis_stream PORT WINDOW EVENTS FILE        sends FILE's lines, again and again
//
// Closes with one JSON object, as ceiling.c does. The latency is that of an event, from handing it to the kernel to its
// answer.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "redis_stream: %s: %s\n", what, strerror(errno));
    exit(3);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int ascending(const void *left, const void *right) {
    int64_t first = *(const int64_t *)left, second = *(const int64_t *)right;
    return first < second ? -1 : first > second;
}

struct commands {
    char *bytes;
    size_t *ends;
    size_t count;
};

// Each line as the command that adds it, written out beforehand.
static struct commands load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file), used = 0;
    rewind(file);
    char *text = malloc(size);
    struct commands all = {malloc(size + (size / 32 + 1) * 64), malloc((size / 32 + 1) * sizeof(size_t)), 0};
    if (!text || !all.bytes || !all.ends || fread(text, 1, size, file) != size) fail(path);
    fclose(file);
    for (char *line = text, *end; line < text + size && (end = memchr(line, '\n', size - (size_t)(line - text)));
         line = end + 1) {
        size_t length = (size_t)(end - line);
        if (length < 32) continue;
        used += (size_t)sprintf(all.bytes + used,
                                "*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\ne\r\n$%zu\r\n", length);
        memcpy(all.bytes + used, line, length);
        memcpy(all.bytes + used + length, "\r\n", 2);
        used += length + 2;
        all.ends[all.count++] = used;
    }
    free(text);
    if (!all.count) {
        fprintf(stderr, "redis_stream: %s holds no events\n", path);
        exit(2);
    }
    return all;
}

static int connected(int port) {
    int peer = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (peer < 0 || connect(peer, (struct sockaddr *)&address, sizeof address)) fail("can't connect");
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return peer;
}

int main(int count, char **words) {
    if (count != 5 || atoi(words[1]) < 1 || atoi(words[2]) < 1 || atoi(words[3]) < 1) {
        fprintf(stderr, "usage: redis_stream PORT WINDOW EVENTS FILE\n");
        return 2;
    }
    int window = atoi(words[2]), events = atoi(words[3]);
    struct commands all = load(words[4]);
    int peer = connected(atoi(words[1]));
    int64_t *begun = calloc((size_t)window, sizeof *begun), *waited = malloc((size_t)events * sizeof *waited);
    char *answers = malloc(CHUNK);
    if (!begun || !waited || !answers) fail("memory");
    int sent = 0, done = 0, lines = 0;
    int is_line_start = 1;
    size_t offset = 0;  // within the commands, of what is still to be sent of `sent`
    int64_t start = now();
    while (done < events) {
        int has_room = sent < events && sent - done < window;
        struct pollfd item = {peer, (short)(POLLIN | (has_room ? POLLOUT : 0)), 0};
        if (poll(&item, 1, 60000) <= 0) fail("no answer");
        if (item.revents & POLLOUT) {
            // As many whole commands as the window has room for, up to a chunk and the end of the file.
            size_t place = (size_t)sent % all.count, from = place ? all.ends[place - 1] : 0;
            size_t last = place;
            while (last + 1 < all.count && (int)(last + 1 - place) < window - (sent - done) &&
                   (int)(last + 1 - place) < events - sent && all.ends[last + 1] - from < CHUNK)
                last++;
            ssize_t taken = send(peer, all.bytes + from + offset, all.ends[last] - from - offset, MSG_DONTWAIT);
            if (taken < 0 && errno != EAGAIN && errno != EINTR) fail("sending");
            int64_t time = now();
            for (offset += taken > 0 ? (size_t)taken : 0; place <= last && offset >= all.ends[place] - from;) {
                offset -= all.ends[place] - from;
                from = all.ends[place++];
                begun[sent++ % window] = time;
            }
        }
        if (item.revents & POLLIN) {
            ssize_t length = recv(peer, answers, CHUNK, MSG_DONTWAIT);
            if (length == 0) fail("Redis has closed the connection");
            if (length < 0 && errno != EAGAIN && errno != EINTR) fail("receiving");
            int64_t time = now();
            // An answer is two lines: the length of an identifier, and that.
            for (ssize_t place = 0; place < length; place++) {
                if (is_line_start && answers[place] == '-') {
                    fprintf(stderr, "redis_stream: %.*s\n", (int)(length - place), answers + place);
                    return 3;
                }
                is_line_start = answers[place] == '\n';
                if (is_line_start && ++lines % 2 == 0) {
                    waited[done] = time - begun[done % window];
                    done++;
                }
            }
        }
    }
    double seconds = (double)(now() - start) / 1e9;
    qsort(waited, (size_t)events, sizeof *waited, ascending);
    printf("{\"events_per_second\":%.0f,\"ack_p50_ns\":%lld,\"ack_p99_ns\":%lld,\"events\":%d}\n",
           events / seconds, (long long)waited[(events - 1) / 2], (long long)waited[(size_t)(events * 0.99)], events);
    return 0;
}

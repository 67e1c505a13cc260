// What the transport alone can do: the sockets, the messages and the window of Tollbook's protocol between two programs
// that do nothing else. The receiver looks at no event and writes nothing; it acknowledges every so many batches.
//
//     cc -O2 -o ceiling ceiling.c -lzmq
//     ceiling receive BATCH [EVERY]                            says where it listens, and serves one sender
//     ceiling send ENDPOINT BATCH WINDOW BATCHES FILE [EVERY]  sends FILE's lines, again and again
//
// EVERY is after how many batches the receiver acknowledges: 32 where it isn't said.
//
// The sender speaks the whole protocol as far as nothing goes wrong, so that it can be set against Tollbook as well. It
// closes with one JSON object: events a second, and how long a batch waited for its acknowledgement.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum { ACKNOWLEDGE_EVERY = 32, HIGH_WATER = 16384 };

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "ceiling: %s: %s\n", what, zmq_strerror(errno));
    exit(3);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void *opened(void *context, int kind) {
    void *socket = zmq_socket(context, kind);
    if (!socket) fail("no socket");
    int high_water = HIGH_WATER, linger = 500;
    if (zmq_setsockopt(socket, ZMQ_SNDHWM, &high_water, sizeof high_water) ||
        zmq_setsockopt(socket, ZMQ_RCVHWM, &high_water, sizeof high_water) ||
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger))
        fail("an option can't be set");
    return socket;
}

// The number behind a member's name; the first and only one of that name in our own headers.
static int64_t member(const char *header, size_t length, const char *name) {
    const char *found = memmem(header, length, name, strlen(name));
    if (!found) {
        fprintf(stderr, "ceiling: no %s in %.*s\n", name, (int)length, header);
        exit(3);
    }
    return strtoll(found + strlen(name), NULL, 10);
}

static int receive(int batch, int every) {
    void *context = zmq_ctx_new();
    void *socket = opened(context, ZMQ_ROUTER);
    if (zmq_bind(socket, "tcp://127.0.0.1:*")) fail("no port");
    char endpoint[256], answer[256];
    size_t length = sizeof endpoint;
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &length)) fail("no endpoint");
    printf("listening router %s\n", endpoint);
    fflush(stdout);
    zmq_msg_t peer, header, payload;
    zmq_msg_init(&peer);
    zmq_msg_init(&header);
    zmq_msg_init(&payload);
    int64_t batches = 0;
    for (;;) {
        if (zmq_msg_recv(&peer, socket, 0) < 0 || zmq_msg_recv(&header, socket, 0) < 0) {
            if (errno == EINTR) continue;
            fail("receiving");
        }
        int written;
        if (!zmq_msg_more(&header)) {
            const char *text = zmq_msg_data(&header);
            if (memmem(text, zmq_msg_size(&header), "\"op\":\"hello\"", 12) == NULL) continue;
            written = snprintf(answer, sizeof answer,
                               "{\"v\":1,\"op\":\"welcome\",\"log\":\"none\",\"source\":\"bench\",\"epoch\":1,"
                               "\"next_seq\":%lld,\"credit\":%d}",
                               (long long)(batches * batch + 1), HIGH_WATER * batch);
        } else {
            if (zmq_msg_recv(&payload, socket, 0) < 0) fail("receiving");
            if (++batches % every) continue;
            written = snprintf(answer, sizeof answer,
                               "{\"v\":1,\"op\":\"ack\",\"source\":\"bench\",\"epoch\":1,\"through\":%lld,\"credit\":%d}",
                               (long long)(batches * batch), HIGH_WATER * batch);
        }
        if (zmq_send(socket, zmq_msg_data(&peer), zmq_msg_size(&peer), ZMQ_SNDMORE) < 0 ||
            zmq_send(socket, answer, (size_t)written, 0) < 0)
            fail("sending");
    }
}

struct corpus {
    char *bytes;
    size_t *ends;
    size_t count;
};

// The file cut into batches of whole lines; what is left over at its end is not sent.
static struct corpus load(const char *path, int batch) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    struct corpus corpus = {malloc(size), malloc((size / 64 + 1) * sizeof(size_t)), 0};
    if (!corpus.bytes || !corpus.ends || fread(corpus.bytes, 1, size, file) != size) fail(path);
    fclose(file);
    int lines = 0;
    for (char *end = corpus.bytes; (end = memchr(end, '\n', size - (size_t)(end - corpus.bytes)));) {
        end++;
        if (++lines < batch) continue;
        lines = 0;
        corpus.ends[corpus.count++] = (size_t)(end - corpus.bytes);
        if ((size_t)(end - corpus.bytes) == size) break;
    }
    if (!corpus.count) {
        fprintf(stderr, "ceiling: %s holds no whole batch of %d lines\n", path, batch);
        exit(2);
    }
    return corpus;
}

static int ascending(const void *left, const void *right) {
    int64_t first = *(const int64_t *)left, second = *(const int64_t *)right;
    return first < second ? -1 : first > second;
}

static int64_t hear(void *socket, int wait, const char *name) {
    char answer[512];
    int length;
    do {
        length = zmq_recv(socket, answer, sizeof answer, wait ? 0 : ZMQ_DONTWAIT);
    } while (length < 0 && errno == EINTR);
    if (length < 0) {
        if (errno == EAGAIN && !wait) return -1;
        fail("receiving");
    }
    return member(answer, (size_t)length, name);
}

static int send_all(const char *endpoint, int batch, int window, int batches, const char *path) {
    struct corpus corpus = load(path, batch);
    void *context = zmq_ctx_new();
    void *socket = opened(context, ZMQ_DEALER);
    int patience = 60000;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    if (zmq_connect(socket, endpoint)) fail(endpoint);
    char header[256];
    int length = snprintf(header, sizeof header, "{\"v\":1,\"op\":\"hello\",\"source\":\"bench\",\"epoch\":1}");
    if (zmq_send(socket, header, (size_t)length, 0) < 0) fail("sending");
    int64_t first = hear(socket, 1, "\"next_seq\":");
    int64_t *begun = calloc((size_t)window, sizeof *begun), *waited = malloc((size_t)batches * sizeof *waited);
    if (!begun || !waited) fail("memory");
    int sent = 0, done = 0;
    int64_t start = now();
    while (done < batches) {
        while (sent < batches && sent - done < window) {
            size_t place = (size_t)sent % corpus.count;
            size_t from = place ? corpus.ends[place - 1] : 0;
            length = snprintf(header, sizeof header,
                              "{\"v\":1,\"op\":\"batch\",\"source\":\"bench\",\"epoch\":1,\"first_seq\":%lld,\"count\":%d}",
                              (long long)(first + (int64_t)sent * batch), batch);
            begun[sent % window] = now();
            if (zmq_send(socket, header, (size_t)length, ZMQ_SNDMORE) < 0 ||
                zmq_send(socket, corpus.bytes + from, corpus.ends[place] - from, 0) < 0)
                fail("sending");
            sent++;
            if (sent % 16 == 0) break;
        }
        int64_t through = hear(socket, sent == batches || sent - done == window, "\"through\":");
        int acknowledged = through < 0 ? done : (int)((through - first + 1) / batch);
        int64_t time = now();
        for (; done < acknowledged; done++) waited[done] = time - begun[done % window];
    }
    double seconds = (double)(now() - start) / 1e9;
    qsort(waited, (size_t)batches, sizeof *waited, ascending);
    printf("{\"events_per_second\":%.0f,\"ack_p50_ns\":%lld,\"ack_p99_ns\":%lld,\"events\":%lld}\n",
           (double)batches * batch / seconds, (long long)waited[(batches - 1) / 2],
           (long long)waited[(size_t)((double)batches * 0.99)], (long long)batches * batch);
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}

int main(int count, char **words) {
    int receives = count >= 3 && count <= 4 && !strcmp(words[1], "receive");
    int sends = count >= 7 && count <= 8 && !strcmp(words[1], "send");
    int last = receives ? 3 : 7;
    int every = (receives || sends) && count > last ? atoi(words[last]) : ACKNOWLEDGE_EVERY;
    if (receives && atoi(words[2]) > 0 && every > 0) return receive(atoi(words[2]), every);
    if (sends && every > 0 && atoi(words[3]) > 0 && atoi(words[4]) >= every && atoi(words[5]) > 0 &&
        atoi(words[5]) % every == 0)
        return send_all(words[2], atoi(words[3]), atoi(words[4]), atoi(words[5]), words[6]);
    fprintf(stderr,
            "usage: ceiling receive BATCH [EVERY]\n"
            "       ceiling send ENDPOINT BATCH WINDOW BATCHES FILE [EVERY]\n"
            "The receiver acknowledges every EVERY batches, 32 where it isn't said. WINDOW is as many at least,\n"
            "BATCHES a multiple.\n");
    return 2;
}

// libzmq, and the calls of Linux that its threads need and Swift's Glibc module leaves out.
#ifndef TOLLBOOK_ZEROMQ_H
#define TOLLBOOK_ZEROMQ_H

#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <zmq.h>

// From libzmq's draft section, which Debian's header declares without the draft API.
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

/// A counter to wait for, or -1 with errno.
static inline int tollbook_eventfd_make(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/// Names the calling thread; up to 15 bytes.
static inline void tollbook_name_thread(const char *name) {
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
}

#endif

#ifndef TOLLBOOK_ZEROMQ_H
#define TOLLBOOK_ZEROMQ_H

#include <zmq.h>

#endif

/* SPDX-License-Identifier: MIT */
/* peer-zeromq.c - both ends of the message jobs on ZeroMQ: REQ and REP, PUSH and PULL. */

#include <zmq.h>

#include "pair.h"

static void serve(void *socket, bool is_sink) {
    char message[N_MESSAGE];
    int n;

    while ((n = zmq_recv(socket, message, sizeof(message), 0)) >= 0) {
        if (!is_sink && zmq_send(socket, message, (size_t)n, 0) < 0) {
            die("zmq_send");
        }
    }
    die("zmq_recv");
}

static void drive_push(void *socket) {
    char message[N_MESSAGE] = {0};

    for (;;) {
        for (int i = 0; i < N_BATCH; i++) { /* so that the clock costs no more than ours */
            if (zmq_send(socket, message, sizeof(message), 0) < 0) {
                die("zmq_send");
            }
        }
        count(N_BATCH);
    }
}

static void drive_ping(void *socket) {
    char message[N_MESSAGE] = {0};
    uint64_t sent_ns = now_ns();

    for (;;) {
        if (zmq_send(socket, message, sizeof(message), 0) < 0 ||
            zmq_recv(socket, message, sizeof(message), 0) != sizeof(message)) {
            die("zmq_recv");
        }
        count_answer(&sent_ns);
    }
}

int main(int argc, char **argv) {
    void *context = zmq_ctx_new();
    char address[256];
    bool is_push;
    void *socket;

    read_pair(argc, argv);
    is_push = is_job("push");
    snprintf(address, sizeof(address), "ipc://%s", pair.path);
    socket = zmq_socket(context, pair.is_driver ? (is_push ? ZMQ_PUSH : ZMQ_REQ)
                                                : (is_push ? ZMQ_PULL : ZMQ_REP));
    if (!socket ||
        (pair.is_driver ? zmq_connect(socket, address) : zmq_bind(socket, address)) < 0) {
        die(address);
    }
    if (!pair.is_driver) {
        serve(socket, is_push);
    } else if (is_push) {
        drive_push(socket);
    } else {
        drive_ping(socket);
    }
    return 0;
}

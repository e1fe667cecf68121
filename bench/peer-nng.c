/* SPDX-License-Identifier: MIT */
/* peer-nng.c - both ends of the message jobs on nng: REQ and REP, PUSH and PULL. */

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include "pair.h"

static void check(int error, const char *what) {
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", what, nng_strerror(error));
        exit(1);
    }
}

/* Messages are passed on as they came: nng's own way without a copy. */
static void serve(nng_socket socket, bool is_sink) {
    for (;;) {
        nng_msg *message;

        check(nng_recvmsg(socket, &message, 0), "nng_recvmsg");
        if (is_sink) {
            nng_msg_free(message);
        } else {
            check(nng_sendmsg(socket, message, 0), "nng_sendmsg");
        }
    }
}

static void drive_push(nng_socket socket) {
    char message[N_MESSAGE] = {0};

    for (;;) {
        check(nng_send(socket, message, sizeof(message), 0), "nng_send");
        count(1);
    }
}

static void drive_ping(nng_socket socket) {
    char message[N_MESSAGE] = {0};
    uint64_t sent_ns = now_ns();

    for (;;) {
        size_t size = sizeof(message);

        check(nng_send(socket, message, size, 0), "nng_send");
        check(nng_recv(socket, message, &size, 0), "nng_recv");
        count_answer(&sent_ns);
    }
}

static int open_socket(nng_socket *ret, bool is_push) {
    if (pair.is_driver) {
        return is_push ? nng_push0_open(ret) : nng_req0_open(ret);
    }
    return is_push ? nng_pull0_open(ret) : nng_rep0_open(ret);
}

int main(int argc, char **argv) {
    char address[256];
    nng_socket socket;
    bool is_push;

    read_pair(argc, argv);
    is_push = is_job("push");
    snprintf(address, sizeof(address), "ipc://%s", pair.path);
    check(open_socket(&socket, is_push), "open");
    check(pair.is_driver ? nng_dial(socket, address, NULL, 0)
                         : nng_listen(socket, address, NULL, 0),
          address);
    if (!pair.is_driver) {
        serve(socket, is_push);
    } else if (is_push) {
        drive_push(socket);
    } else {
        drive_ping(socket);
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* test-message.c - what connecting, sending and receiving rely on from Linux. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "fixture.h"

static void pair_of(int fds[2], int type) {
    ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
}

static void close_pair(const int fds[2]) {
    close(fds[0]);
    close(fds[1]);
}

static void want_credentials(int fd) {
    int on = 1;

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
}

union control {
    char bytes[4096];
    struct cmsghdr align;
};

static ssize_t send_fds(int fd, size_t n_bytes, size_t n_fds) {
    struct iovec bytes = {.iov_base = "x", .iov_len = n_bytes};
    union control control = {{0}};
    struct msghdr header = {.msg_iov = &bytes,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = CMSG_SPACE(n_fds * sizeof(int))};
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);

    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(n_fds * sizeof(int)); /* all of them 0 */
    return sendmsg(fd, &header, 0);
}

struct received {
    ssize_t n;
    int flags;
    int n_fds; /* closed at once */
    bool has_credentials;
    struct ucred credentials;
};

static struct received receive(int fd, size_t n_data, size_t n_control, int flags) {
    struct received got = {.n = 0};
    char data[64];
    union control control;
    struct iovec bytes = {.iov_base = data, .iov_len = n_data};
    struct msghdr header = {.msg_iov = &bytes,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = n_control};

    got.n = recvmsg(fd, &header, flags | MSG_CMSG_CLOEXEC);
    got.flags = header.msg_flags;
    for (struct cmsghdr *part = got.n < 0 ? NULL : CMSG_FIRSTHDR(&header); part;
         part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_type == SCM_CREDENTIALS) {
            got.has_credentials = true;
            memcpy(&got.credentials, CMSG_DATA(part), sizeof(got.credentials));
        }
        for (size_t i = 0; part->cmsg_type == SCM_RIGHTS && CMSG_LEN((i + 1) * 4) <= part->cmsg_len;
             i++, got.n_fds++) {
            int one;

            memcpy(&one, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
            close(one);
        }
    }
    return got;
}

START_TEST(poll_does_not_wait_for_a_full_backlog) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), clients[2];
    struct pollfd state = {.events = POLLOUT};

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, 0), 0);
    for (int i = 0; i < 2; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
    ck_assert_int_eq(connect(clients[0], (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(connect(clients[1], (struct sockaddr *)&address, sizeof(address)), -1);
    ck_assert_int_eq(errno, EAGAIN); /* and not EINPROGRESS */
    state.fd = clients[1];
    ck_assert_int_eq(poll(&state, 1, -1), 1); /* at once, and it says nothing of the backlog */
    ck_assert(state.revents & POLLOUT);
    ck_assert_int_eq(connect(clients[1], (struct sockaddr *)&address, sizeof(address)), -1);
    ck_assert_int_eq(errno, EAGAIN);
    close(accept(listener, NULL, NULL));
    ck_assert_int_eq(connect(clients[1], (struct sockaddr *)&address, sizeof(address)), 0);
    close_pair(clients);
    close(listener);
}
END_TEST

START_TEST(a_message_takes_253_descriptors) {
    int fds[2];

    pair_of(fds, SOCK_STREAM);
    ck_assert_int_eq(send_fds(fds[0], 1, 254), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(send_fds(fds[0], 1, 253), 1);
    ck_assert_int_eq(receive(fds[1], 8, 4096, 0).n_fds, 253);
    close_pair(fds);
}
END_TEST

START_TEST(descriptors_without_a_byte_vanish_on_a_stream) {
    int fds[2];

    pair_of(fds, SOCK_STREAM);
    ck_assert_int_eq(send_fds(fds[0], 0, 1), 0);
    ck_assert_int_eq(receive(fds[1], 8, 4096, 0).n, -1);
    ck_assert_int_eq(errno, EAGAIN);
    close_pair(fds);
    pair_of(fds, SOCK_SEQPACKET);
    ck_assert_int_eq(send_fds(fds[0], 0, 1), 0);
    ck_assert_int_eq(receive(fds[1], 8, 4096, 0).n_fds, 1);
    close_pair(fds);
}
END_TEST

START_TEST(what_has_no_room_is_closed_and_flagged) {
    struct rlimit limit, low;
    struct received got;
    int fds[2], lowest;

    pair_of(fds, SOCK_SEQPACKET);
    ck_assert_int_eq(send_fds(fds[0], 1, 4), 1);
    got = receive(fds[1], 8, CMSG_SPACE(2 * sizeof(int)), 0);
    ck_assert(got.n_fds == 2 && (got.flags & MSG_CTRUNC));

    ck_assert_int_eq(send_fds(fds[0], 1, 4), 1);
    ck_assert_int_eq(receive(fds[1], 8, 0, 0).flags & MSG_CTRUNC, MSG_CTRUNC);

    ck_assert_int_eq(send_fds(fds[0], 1, 4), 1);
    lowest = dup(0);
    close(lowest);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)lowest + 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    got = receive(fds[1], 8, 4096, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert(got.n == 1 && got.n_fds == 3 && (got.flags & MSG_CTRUNC)); /* no EMFILE */
    close_pair(fds);
}
END_TEST

START_TEST(msg_trunc_gives_the_true_length) {
    for (int i = 0; i < 2; i++) {
        struct received got;
        int fds[2];

        pair_of(fds, i ? SOCK_DGRAM : SOCK_SEQPACKET);
        ck_assert_int_eq(send(fds[0], "0123456789", 10, 0), 10);
        ck_assert_int_eq(send(fds[0], "0123456789", 10, 0), 10);
        got = receive(fds[1], 4, 0, 0);
        ck_assert(got.n == 4 && (got.flags & MSG_TRUNC));
        got = receive(fds[1], 4, 0, MSG_TRUNC);
        ck_assert(got.n == 10 && (got.flags & MSG_TRUNC));
        ck_assert_int_eq(receive(fds[1], 4, 0, 0).n, -1); /* the rest is gone */
        close_pair(fds);
    }
}
END_TEST

START_TEST(only_credentials_tell_an_empty_packet_from_the_end) {
    struct received got;
    int fds[2], n_unread;

    pair_of(fds, SOCK_SEQPACKET);
    want_credentials(fds[1]);
    ck_assert_int_eq(send(fds[0], "", 0, 0), 0);
    ck_assert_int_eq(send(fds[0], "abc", 3, 0), 3);
    ck_assert_int_eq(send(fds[0], "", 0, 0), 0);
    close(fds[0]);
    got = receive(fds[1], 8, 4096, 0);
    ck_assert(got.n == 0 && got.has_credentials);
    ck_assert_int_eq(ioctl(fds[1], SIOCINQ, &n_unread), 0);
    ck_assert_int_eq(n_unread, 3); /* all bytes, and not those of one packet */
    ck_assert_int_eq(receive(fds[1], 8, 4096, 0).n, 3);
    got = receive(fds[1], 8, 4096, 0);
    ck_assert(got.n == 0 && got.has_credentials);
    got = receive(fds[1], 8, 4096, 0);
    ck_assert(got.n == 0 && !got.has_credentials); /* the end */
    close(fds[1]);
}
END_TEST

START_TEST(asked_for_behind_a_packet_credentials_tell_it_from_the_end_all_the_same) {
    int fds[2];

    pair_of(fds, SOCK_SEQPACKET);
    ck_assert_int_eq(send(fds[0], "", 0, 0), 0);
    close(fds[0]);
    want_credentials(fds[1]);
    ck_assert(receive(fds[1], 8, 4096, 0).has_credentials);
    ck_assert(!receive(fds[1], 8, 4096, 0).has_credentials);
    close(fds[1]);
}
END_TEST

/* Older kernels knew the sender all the same (before Linux 6.16); none invents another one. */
START_TEST(asked_too_late_the_sender_may_be_unknown) {
    struct received got;
    int fds[2];

    pair_of(fds, SOCK_SEQPACKET);
    ck_assert_int_eq(send(fds[0], "x", 1, 0), 1);
    want_credentials(fds[1]);
    got = receive(fds[1], 8, 4096, 0);
    ck_assert(got.has_credentials);
    ck_assert((got.credentials.pid == 0 && got.credentials.uid == 65534 &&
               got.credentials.gid == 65534) ||
              (got.credentials.pid == getpid() && got.credentials.uid == getuid()));
    close_pair(fds);
}
END_TEST

/* Reads once, `n_expected` bytes, and returns how many descriptors came, which are closed. */
static size_t receive_fds(int fd, char *data, size_t n_data, ssize_t n_expected) {
    struct iovec bytes = {.iov_base = data, .iov_len = n_data};
    union control control;
    struct msghdr header = {.msg_iov = &bytes,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *part;
    size_t n = 0;

    ck_assert_int_eq(recvmsg(fd, &header, MSG_CMSG_CLOEXEC), n_expected);
    part = CMSG_FIRSTHDR(&header);
    for (; part && n < (part->cmsg_len - CMSG_LEN(0)) / sizeof(int); n++) {
        int received;

        memcpy(&received, CMSG_DATA(part) + n * sizeof(int), sizeof(received));
        close(received);
    }
    return n;
}

/* A read goes on from bytes without descriptors into those that have some, and ends behind these.
 */
START_TEST(a_stream_read_ends_behind_descriptors) {
    char data[10];
    int fds[2];
    size_t n;

    pair_of(fds, SOCK_STREAM);
    ck_assert_int_eq(send(fds[0], "ab", 2, 0), 2);
    ck_assert_int_eq(send_fds(fds[0], 1, 1), 1);
    ck_assert_int_eq(send(fds[0], "cd", 2, 0), 2);
    n = receive_fds(fds[1], data, sizeof(data), 3);
    ck_assert_uint_eq(n, 1);
    n = receive_fds(fds[1], data, sizeof(data), 2);
    ck_assert_uint_eq(n, 0);
    close_pair(fds);
}
END_TEST

/* Only a socket that is connected to the receiver can wait for room in its queue. */
START_TEST(a_full_datagram_queue_shows_in_poll_to_connected_senders_alone) {
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "receiver"};
    struct pollfd unconnected = {.events = POLLOUT}, connected = {.events = POLLOUT};
    int receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char byte;

    unconnected.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connected.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(receiver, (struct sockaddr *)&un, sizeof(un)), 0);
    ck_assert_int_eq(connect(connected.fd, (struct sockaddr *)&un, sizeof(un)), 0);
    while (sendto(unconnected.fd, "x", 1, 0, (struct sockaddr *)&un, sizeof(un)) == 1) {
    }
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(poll(&unconnected, 1, 0), 1);
    ck_assert_int_eq(poll(&connected, 1, 0), 0);
    ck_assert_int_eq(recv(receiver, &byte, 1, 0), 1);
    ck_assert_int_eq(poll(&connected, 1, 0), 1);
    close(receiver);
    close(unconnected.fd);
    close(connected.fd);
}
END_TEST

/* What is left of SO_SNDBUF for one packet. */
START_TEST(a_packet_takes_32_bytes_of_the_send_buffer_for_itself) {
    static char data[1 << 20];
    static const int kinds[] = {SOCK_SEQPACKET, SOCK_DGRAM};

    for (int i = 0; i < 2; i++) {
        socklen_t n_size = sizeof(int);
        int fds[2], size;

        pair_of(fds, kinds[i]);
        ck_assert_int_eq(getsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, &n_size), 0);
        ck_assert_int_eq(send(fds[0], data, (size_t)size - 31, 0), -1);
        ck_assert_int_eq(errno, EMSGSIZE);
        ck_assert_int_eq(send(fds[0], data, (size_t)size - 32, 0), size - 32);
        close_pair(fds);
    }
}
END_TEST

SP_TESTS("message", poll_does_not_wait_for_a_full_backlog, a_message_takes_253_descriptors,
         descriptors_without_a_byte_vanish_on_a_stream, what_has_no_room_is_closed_and_flagged,
         msg_trunc_gives_the_true_length, only_credentials_tell_an_empty_packet_from_the_end,
         asked_for_behind_a_packet_credentials_tell_it_from_the_end_all_the_same,
         asked_too_late_the_sender_may_be_unknown, a_stream_read_ends_behind_descriptors,
         a_full_datagram_queue_shows_in_poll_to_connected_senders_alone,
         a_packet_takes_32_bytes_of_the_send_buffer_for_itself)

/* SPDX-License-Identifier: MIT */
/* test-channel-frame-fds.c - descriptors with messages: the right ones, only those let in, none
 * left. */

#include "channel-pair.h"

#include <sys/mman.h>
#include <sys/prctl.h>

static struct told a, b;

static void reset(void) {
    a = b = (struct told){.keeps_fds = true};
    n_completed = n_failed_completions = 0;
}

static void close_kept(struct told *told) {
    while (told->n_kept_fds > 0) {
        close(told->fds[--told->n_kept_fds]);
    }
}

static int file_of(const char *name) {
    int fd = open(fixture_path(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static int send_fds(struct told *told, const char *text, const int *fds, size_t n) {
    return sunpath_channel_send(told->channel, text, strlen(text),
                                SEND_OPTIONS(.fds = fds, .n_fds = n));
}

static int send_numbered_fds(struct told *told, const char *text, const int *fds, size_t n,
                             size_t number) {
    return sunpath_channel_send(told->channel, text, strlen(text),
                                SEND_OPTIONS(.fds = fds, .n_fds = n, .on_sent = completed,
                                             .user = (void *)(uintptr_t)number));
}

START_TEST(descriptors_come_with_their_own_message) {
    for (size_t t = 0; t < 3; t++) {
        int fds[3] = {file_of("0"), file_of("1"), file_of("2")};

        reset();
        open_both(&a, &b, types[t], OPTIONS(.max_fds = 3));
        for (int round = 0; round < 5; round++) {
            ck_assert_int_eq(send_text(&a, "none"), 0);
            ck_assert_int_eq(send_fds(&a, "one", fds, 1), 0);
            ck_assert_int_eq(send_fds(&a, "two", fds + 1, 2), 0);
            ck_assert_int_eq(send_text(&a, "none"), 0);
            ck_assert_int_eq(send_fds(&a, "", fds, 3), 0);
        }
        run_until(b.n_messages == 25);
        for (int round = 0, n = 0; round < 5; round++) {
            static const size_t n_with[] = {0, 1, 2, 0, 3};

            for (int i = 0; i < 5; i++) {
                ck_assert_uint_eq(b.fds_with[5 * round + i], n_with[i]);
            }
            for (int i = 0; i < 3; i++, n++) {
                ck_assert(is_same_file(b.fds[n], fds[i]));
                ck_assert_int_eq(fcntl(b.fds[n], F_GETFD), FD_CLOEXEC);
            }
            n += 3;
        }
        close_kept(&b);
        for (int i = 0; i < 3; i++) {
            close(fds[i]);
        }
        close_both(&a, &b);
    }
}
END_TEST

/* Messages larger than what the kernel takes at once, every third with descriptors, all queued. */
START_TEST(large_messages_keep_their_descriptors) {
    static char data[150000];

    for (size_t t = 0; t < 3; t++) {
        int fd = file_of("f");

        reset();
        open_both(&a, &b, types[t], OPTIONS(.max_fds = 3));
        for (int i = 0; i < 30; i++) {
            ck_assert_int_ge(sunpath_channel_send(a.channel, data, (size_t)i * 5000,
                                                  SEND_OPTIONS(.fds = &fd, .n_fds = i % 3 == 0)),
                             0);
        }
        close(fd); /* they were duplicated */
        run_until(b.n_messages == 30);
        for (size_t i = 0; i < 30; i++) {
            ck_assert_uint_eq(b.size[i], i * 5000);
            ck_assert_uint_eq(b.fds_with[i], i % 3 == 0);
        }
        close_kept(&b);
        close_both(&a, &b);
    }
}
END_TEST

/* As a peer does that knows nothing of our rule: in the middle of a frame, or with its last byte.
 */
START_TEST(descriptors_in_the_middle_of_a_frame_belong_to_it) {
    int fd = file_of("f");
    struct sunpath_send_options with = options_of(&fd, 1);
    int peer;

    reset();
    peer = open_channel(&a, SUNPATH_STREAM, &tell_all, OPTIONS(.max_fds = 2));
    ck_assert_int_eq(send(peer, "\0\0\0\2ab\0\0\0\4c", 11, 0), 11);
    ck_assert_int_eq(sunpath_send(peer, "d", 1, &with), 1);
    ck_assert_int_eq(sunpath_send(peer, "ef", 2, &with), 2);
    ck_assert_int_eq(send(peer, "\0\0\0\1g", 5, 0), 5);
    run_until(a.n_messages == 3);
    ck_assert_uint_eq(a.fds_with[0], 0);
    ck_assert_uint_eq(a.fds_with[1], 2);
    ck_assert_str_eq(a.first[1], "cdef");
    ck_assert_uint_eq(a.fds_with[2], 0);
    close_kept(&a);
    close(fd);
    close_channel(&a, peer);
}
END_TEST

START_TEST(what_is_not_kept_is_closed) {
    int fd = file_of("f"), n_fds;

    for (size_t t = 0; t < 3; t++) {
        reset();
        b.keeps_fds = false;
        open_both(&a, &b, types[t], OPTIONS(.max_fds = 1));
        n_fds = fixture_n_fds();
        ck_assert_int_eq(send_fds(&a, "x", &fd, 1), 0);
        run_until(b.n_messages == 1);
        ck_assert_uint_eq(b.n_fds, 1);
        ck_assert_int_eq(fixture_n_fds(), n_fds);
        close_both(&a, &b);
    }
    close(fd);
}
END_TEST

static void lost_because(enum sunpath_type type, const struct sunpath_channel_options *options,
                         size_t n, int code, const char *says) {
    int fds[SUNPATH_FDS_MAX], fd = file_of("f"), n_fds;

    for (size_t i = 0; i < n; i++) {
        fds[i] = fd;
    }
    reset();
    open_both(&a, &b, type, options);
    n_fds = fixture_n_fds();
    ck_assert_int_eq(send_text(&a, "before"), 0);
    ck_assert_int_eq(send_fds(&a, "with", fds, n), 0);
    ck_assert_int_eq(send_text(&a, "after"), 0);
    run_until(b.n_messages == 2);
    ck_assert_str_eq(b.first[1], "after");
    ck_assert_int_eq(b.n_lost, 1);
    ck_assert_int_eq(b.lost.code, code);
    ck_assert_msg(strstr(b.lost.text, says) != NULL, "%s", b.lost.text);
    ck_assert_int_eq(fixture_n_fds(), n_fds);
    close(fd);
    close_both(&a, &b);
}

START_TEST(what_is_not_let_in_is_closed_and_told) {
    for (size_t t = 0; t < 3; t++) {
        lost_because(types[t], OPTIONS(), 1, -ETOOMANYREFS, "message 2: it brought more");
        lost_because(types[t], OPTIONS(.max_fds = 4), 5, -ETOOMANYREFS, "limit of 4");
        lost_because(types[t], OPTIONS(.max_fds = 4), 253, -ETOOMANYREFS, "limit of 4");
        lost_because(types[t], OPTIONS(.max_fds = 4, .fd_kinds = SUNPATH_FD_SOCKET), 2, -EPERM,
                     "message 2: descriptor 1 is of a kind");
        lost_because(types[t], OPTIONS(.max_fds = 9, .max_fds_total = 8), 9, -ETOOMANYREFS,
                     "limit of 8");
    }
}
END_TEST

START_TEST(a_process_without_descriptors_loses_only_that_message) {
    struct rlimit limit, tight;
    int fd = file_of("f"), fds[3] = {fd, fd, fd};

    for (size_t t = 0; t < 3; t++) {
        reset();
        open_both(&a, &b, types[t], OPTIONS(.max_fds = 3));
        ck_assert_int_eq(send_fds(&a, "lost", fds, 3), 0);
        ck_assert_int_eq(send_text(&a, "after"), 0);
        getrlimit(RLIMIT_NOFILE, &limit);
        sunpath_channel_pause(b.channel);
        run_quiet();
        tight = limit;
        tight.rlim_cur = (rlim_t)dup(fd) + 1; /* no number is free below it */
        close((int)tight.rlim_cur - 1);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
        sunpath_channel_resume(b.channel);
        run_until(b.n_messages == 1);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_int_eq(b.n_lost, 1);
        ck_assert_int_eq(b.lost.code, -ETOOMANYREFS);
        ck_assert_str_eq(b.first[0], "after");
        close_both(&a, &b);
    }
    close(fd);
}
END_TEST

START_TEST(kinds_are_told_apart) {
    int pipe_fds[2], pair[2], fds[7], kept;
    static const unsigned kinds[] = {SUNPATH_FD_FILE, SUNPATH_FD_MEMFD,  SUNPATH_FD_DIRECTORY,
                                     SUNPATH_FD_PIPE, SUNPATH_FD_SOCKET, SUNPATH_FD_DEVICE,
                                     SUNPATH_FD_OTHER};

    ck_assert_int_eq(pipe(pipe_fds), 0);
    pair_of(pair, SUNPATH_STREAM);
    kept = sunpath_loop_open(&loop);
    ck_assert_int_eq(kept, 0);
    fds[0] = file_of("f");
    fds[1] = memfd_create("m", MFD_CLOEXEC);
    fds[2] = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fds[3] = pipe_fds[0];
    fds[4] = pair[0];
    fds[5] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fds[6] = sunpath_loop_fd(loop); /* an epoll descriptor */
    for (size_t k = 0; k < 7; k++) {
        reset();
        open_both(&a, &b, SUNPATH_SEQPACKET, OPTIONS(.max_fds = 1, .fd_kinds = kinds[k]));
        for (size_t i = 0; i < 7; i++) {
            ck_assert_int_eq(send_fds(&a, "x", &fds[i], 1), 0);
        }
        run_until(b.n_messages + (size_t)b.n_lost == 7);
        ck_assert_uint_eq(b.n_messages, 1);
        ck_assert(k == 6 || is_same_file(b.fds[0], fds[k]));
        close_kept(&b);
        a.channel = sunpath_channel_close(a.channel);
        b.channel = sunpath_channel_close(b.channel);
    }
    loop = sunpath_loop_close(loop);
    for (size_t i = 0; i < 6; i++) {
        close(fds[i]);
    }
    close(pipe_fds[1]);
    close(pair[1]);
}
END_TEST

START_TEST(queued_descriptors_are_capped_and_closed_with_the_channel) {
    int fds[200], fd = file_of("f");

    for (size_t i = 0; i < 200; i++) {
        fds[i] = fd;
    }
    for (size_t t = 0; t < 3; t++) {
        int peer, n_fds;

        reset();
        peer = open_channel(&a, types[t], &tell_all, OPTIONS());
        n_fds = fixture_n_fds();
        ck_assert_int_eq(send_fds(&a, "x", fds, 200), 0);
        ck_assert_int_eq(send_fds(&a, "x", fds, 200), -ENOBUFS);
        ck_assert_int_eq(send_fds(&a, "x", fds, 53), 0);
        ck_assert_int_eq(fixture_n_fds(), n_fds + 253);
        ck_assert_int_eq(send_fds(&a, "x", &(int){-1}, 1), -ENOBUFS);
        close_channel(&a, peer);
    }
    close(fd);
}
END_TEST

/* More descriptors than the kernel lets an ordinary user have on their way: RLIMIT_NOFILE. */
static void send_too_many(enum sunpath_type type, int fd) {
    int fds[5] = {fd, fd, fd, fd, fd};
    struct rlimit limit, tight;

    reset();
    b.keeps_fds = false;
    open_both(&a, &b, type, OPTIONS(.max_fds = 5));
    sunpath_channel_pause(b.channel);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    tight = limit;
    tight.rlim_cur = (rlim_t)fixture_n_fds() + 10;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
    for (size_t i = 1; i <= 20; i++) {
        ck_assert_int_eq(send_numbered_fds(&a, "text", fds, i % 2 ? 5 : 0, i), 0);
        run_quiet();
    }
    ck_assert_uint_eq(n_completed, 20);
    ck_assert_uint_gt(n_failed_completions, 0);
    ck_assert_uint_lt(n_failed_completions, 10);
    sunpath_channel_resume(b.channel);
    run_until(b.n_messages == 20 - n_failed_completions);
    run_quiet();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(b.n_fds, 5 * (10 - n_failed_completions));
    ck_assert_int_eq(a.n_closes + b.n_closes + b.n_lost, 0);
    close_both(&a, &b);
}

START_TEST(too_many_on_their_way_fail_their_messages_alone) {
    uid_t own = 1000000 + (uid_t)getpid(); /* whose descriptors nobody else sends */
    bool is_root = geteuid() == 0;
    int fd = file_of("f");

    if (is_root) {
        ck_assert_int_eq(setresuid(own, own, 0), 0);
    }
    for (size_t t = 0; t < 3; t++) {
        send_too_many(types[t], fd);
    }
    if (is_root) {
        ck_assert_int_eq(setresuid(0, 0, 0), 0);
        ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0); /* for what looks for leaks */
    }
    close(fd);
}
END_TEST

START_TEST(descriptors_that_are_none_are_refused_by_send) {
    for (size_t t = 0; t < 3; t++) {
        reset();
        open_both(&a, &b, types[t], OPTIONS(.max_fds = 1));
        ck_assert_int_eq(send_fds(&a, "x", &(int){-1}, 1), -EBADF);
        ck_assert_int_eq(send_fds(&a, "x", NULL, 1), -EINVAL);
        ck_assert_int_eq(send_fds(&a, "x", (int[254]){0}, 254), -EINVAL);
        ck_assert_int_eq(send_text(&a, "fine"), 0);
        run_until(b.n_messages == 1);
        ck_assert_str_eq(b.first[0], "fine");
        close_both(&a, &b);
    }
}
END_TEST

START_TEST(credentials_are_the_kernels_word) {
    for (size_t t = 0; t < 3; t++) {
        reset();
        open_both(&a, &b, types[t], OPTIONS(.want_credentials = true));
        send_text(&a, "who");
        run_until(b.n_messages == 1);
        ck_assert(b.has_credentials);
        ck_assert_int_eq(b.credentials.pid, getpid());
        ck_assert_uint_eq(b.credentials.uid, getuid());
        close_both(&a, &b);
    }
}
END_TEST

/* A frame that two processes wrote is nobody's. */
START_TEST(a_frame_of_two_senders_has_no_credentials) {
    int peer, status;
    pid_t pid;

    reset();
    peer = open_channel(&a, SUNPATH_STREAM, &tell_all, OPTIONS(.want_credentials = true));
    ck_assert_int_eq(send(peer, "\0\0\0\2a", 5, 0), 5);
    pid = fork();
    if (pid == 0) {
        _exit(send(peer, "b\0\0\0\1c", 6, 0) != 6);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    run_until(a.n_messages == 2);
    ck_assert(a.has_credentials);
    ck_assert_int_eq(a.credentials.pid, pid);
    close_channel(&a, peer);
    reset();
    peer = open_channel(&a, SUNPATH_STREAM, &tell_all, OPTIONS(.want_credentials = true));
    ck_assert_int_eq(send(peer, "\0\0\0\2a", 5, 0), 5);
    pid = fork();
    if (pid == 0) {
        _exit(send(peer, "b", 1, 0) != 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    run_until(a.n_messages == 1);
    ck_assert(!a.has_credentials);
    close_channel(&a, peer);
}
END_TEST

SP_TESTS("channel-frame-fds", descriptors_come_with_their_own_message,
         large_messages_keep_their_descriptors, descriptors_in_the_middle_of_a_frame_belong_to_it,
         what_is_not_kept_is_closed, what_is_not_let_in_is_closed_and_told,
         a_process_without_descriptors_loses_only_that_message, kinds_are_told_apart,
         queued_descriptors_are_capped_and_closed_with_the_channel,
         too_many_on_their_way_fail_their_messages_alone,
         descriptors_that_are_none_are_refused_by_send, credentials_are_the_kernels_word,
         a_frame_of_two_senders_has_no_credentials)

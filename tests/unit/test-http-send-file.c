/* SPDX-License-Identifier: MIT */
/* test-http-send-file.c - responses out of files: whole, in parts, cut off. */

#include "http-serving.h"
#include "wire/content-coding.h"

static int file_of(size_t size) {
    static char piece[65536];
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    for (size_t at = 0; at < size; at += sizeof(piece)) {
        size_t n = size - at < sizeof(piece) ? size - at : sizeof(piece);

        memset(piece, 'a' + (int)(at / sizeof(piece) % 26), sizeof(piece));
        ck_assert_int_eq(write(fd, piece, n), (ssize_t)n);
    }
    return fd;
}

#define N_FILE ((size_t)3 * 1024 * 1024 + 5)

static void send_file(struct sunpath_http_exchange *exchange, void *user) {
    const char *target = sunpath_http_target(exchange);
    bool is_chunked = strcmp(target, "/chunked") == 0, is_short = strcmp(target, "/short") == 0;
    int fd = file_of(N_FILE), pipe_fds[2];
    uint64_t size = N_FILE - 1 + (is_short ? 10 : 0);

    (void)user;
    ck_assert_int_eq(sunpath_http_send_file(exchange, fd, 1, size), -EINVAL);
    ck_assert_int_eq(sunpath_http_start(exchange, 200, is_chunked ? -1 : (int64_t)size), 0);
    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    ck_assert_int_eq(sunpath_http_send_file(exchange, pipe_fds[0], 0, 1), -EINVAL);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    if (!is_chunked) {
        ck_assert_int_eq(sunpath_http_send_file(exchange, fd, 1, size + 1), -EMSGSIZE);
    }
    ck_assert_int_eq(sunpath_http_send_file(exchange, fd, 1, size), 0);
    ck_assert_int_eq(sunpath_http_end(exchange), -EALREADY);
}

START_TEST(files_are_sent_as_the_client_takes_them) {
    size_t size;
    char *heard, *body;
    int fd;

    serving.handler.on_request = send_file;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd, "\r\n\r\n"), "Content-Length: 3145732\r\n"));
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    heard = hear_size(fd, NULL, &size);
    body = strstr(heard, "\r\n\r\n") + 4;
    ck_assert_uint_eq(size - (size_t)(body - heard), N_FILE - 1);
    for (size_t i = 0; i < N_FILE - 1; i++) {
        if (body[i] != 'a' + (int)((i + 1) / 65536 % 26)) {
            ck_abort_msg("byte %zu is wrong", i);
        }
    }
    close(fd);
    fd = client();
    say(fd, GET("/chunked") GET("/short"));
    heard = hear_size(fd, NULL, &size);
    ck_assert_ptr_nonnull(strstr(heard, "\r\n0\r\n\r\nHTTP/1.1 200 OK"));
    ck_assert_uint_lt(size, 2 * N_FILE + 1000);
    close(fd);
    settle();
    ck_assert_int_eq(serving.n_finished, 4);
    ck_assert_int_eq(serving.last_error, -EIO); /* the short one was cut */
    serving_close();
}
END_TEST

START_TEST(a_file_may_be_larger_than_max_output) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    size_t size;
    char *heard;
    int fd;

    options.max_output = 4096;
    serving.handler.on_request = send_file;
    serving_open(&options);
    fd = client();
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    heard = hear_size(fd, NULL, &size);
    ck_assert_uint_eq(size - (size_t)(strstr(heard, "\r\n\r\n") + 4 - heard), N_FILE - 1);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_client_that_leaves_mid_file_leaves_nothing) {
    int fd;

    serving.handler.on_request = send_file;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    settle();
    close(fd);
    while (serving.n_finished == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert(serving.last_error == -EPIPE || serving.last_error == -ECONNRESET);
    serving_close();
}
END_TEST

/* ---- one file in several ways ---------------------------------------------------------------- */

static struct {
    uint64_t offset, size;
    int fd; /* of the file under way, which the exchange owns */
    const struct sp_http_file_part *parts;
    size_t n_parts;
} sent;

static char byte_at(uint64_t offset) {
    return (char)('a' + offset / 65536 % 26);
}

static void check_bytes(const char *body, uint64_t offset, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (body[i] != byte_at(offset + i)) {
            ck_abort_msg("byte %zu is wrong", i);
        }
    }
}

static void send_range(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sent.fd = file_of(N_FILE);
    ck_assert_int_eq(sunpath_http_start(exchange, 206, (int64_t)sent.size), 0);
    if (sent.parts) {
        ck_assert_int_eq(sp_http_exchange_send_parts(exchange, sent.fd, sent.parts, sent.n_parts),
                         0);
    } else {
        ck_assert_int_eq(sunpath_http_send_file(exchange, sent.fd, sent.offset, sent.size), 0);
    }
}

static void answer_any(struct sunpath_http_exchange *exchange, void *user) {
    if (strcmp(sunpath_http_target(exchange), "/file") == 0) {
        send_range(exchange, user);
    } else {
        echo(exchange, user);
    }
}

static int serve_ranges(uint64_t offset, uint64_t size,
                        const struct sunpath_http_server_options *options) {
    sent.offset = offset;
    sent.size = size;
    serving.handler.on_request = answer_any;
    serving.handler.on_finish = count_finish;
    serving_open(options);
    return client();
}

/* A socket of packets shows what left in one write. */
START_TEST(a_small_file_leaves_with_its_head) {
    static char packet[65536];
    char *body;
    ssize_t n;
    int fd = serve_ranges(65500, 8000, NULL);

    close(fd);
    fd = client_of_type(SOCK_SEQPACKET);
    say(fd, GET("/file"));
    settle();
    n = recv(fd, packet, sizeof(packet) - 1, 0);
    ck_assert_int_gt(n, 8000);
    packet[n] = '\0';
    body = strstr(packet, "\r\n\r\n") + 4;
    ck_assert_ptr_eq(body + 8000, packet + n);
    check_bytes(body, 65500, 8000);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(any_range_can_be_sent) {
    static const uint64_t ranges[][2] = {{0, 0},          {0, 1},      {5, 100000},
                                         {N_FILE - 1, 1}, {N_FILE, 0}, {70000, N_FILE - 70000},
                                         {65000, 8192},   {7, 8193},   {0, N_FILE}};
    int fd = serve_ranges(0, 0, NULL);

    for (size_t i = 0; i < SP_ARRAY_SIZE(ranges); i++) {
        char *heard, *body;
        size_t size;

        sent.offset = ranges[i][0];
        sent.size = ranges[i][1];
        say(fd, GET("/file") "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        heard = hear_size(fd, NULL, &size);
        body = strstr(heard, "\r\n\r\n") + 4;
        check_bytes(body, sent.offset, sent.size);
        ck_assert_int_eq(strncmp(body + sent.size, "HTTP/1.1 200 OK", 15), 0);
        ck_assert_ptr_nonnull(strstr(body + sent.size, "GET /x "));
        close(fd);
        fd = client();
    }
    close(fd);
    serving_close();
}
END_TEST

START_TEST(pipelined_responses_keep_their_order_around_files) {
    char *at;
    int fd = serve_ranges(0, 1000000, NULL);

    say(fd, GET("/1") GET("/file") GET("/2") GET("/3") GET("/file") GET("/4"));
    at = strstr(hear(fd, "GET /4 "), "GET /1 ");
    ck_assert_ptr_nonnull(at);
    for (int i = 0; i < 2; i++) {
        at = strstr(at, "\r\n\r\naaa") + 4;
        check_bytes(at, 0, 1000000);
        at = strstr(at + 1000000, i == 0 ? "GET /3 " : "GET /4 ");
        ck_assert_ptr_nonnull(at);
    }
    settle();
    ck_assert_int_eq(serving.n_finished, 6);
    ck_assert_int_eq(serving.last_error, 0);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(parts_of_a_file_come_with_texts_between_them) {
    static const struct sp_http_file_part parts[] = {
        {"<1>", 3, 3, 10},       {"<2>", 3, 100, 300000}, {"<3>", 3, 65536, 8000},
        {"<4>", 3, 65536, 8000}, {NULL, 0, 0, 1},         {"<end>", 5, 0, 0}};
    char *body, *at;
    size_t size;
    int fd = serve_ranges(0, 3 + 10 + 3 + 300000 + 3 + 8000 + 3 + 8000 + 1 + 5, NULL);

    sent.parts = parts;
    sent.n_parts = SP_ARRAY_SIZE(parts);
    say(fd, GET("/file") "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    at = body = strstr(hear_size(fd, NULL, &size), "\r\n\r\n") + 4;
    for (size_t i = 0; i < sent.n_parts; i++) {
        ck_assert(!parts[i].before || memcmp(at, parts[i].before, parts[i].n_before) == 0);
        at += parts[i].n_before;
        check_bytes(at, parts[i].offset, parts[i].size);
        at += parts[i].size;
    }
    ck_assert_uint_eq((size_t)(at - body), sent.size);
    ck_assert_int_eq(strncmp(at, "HTTP/1.1 200 OK", 15), 0);
    close(fd);

    sent.n_parts = 1; /* less than was announced */
    fd = client();
    say(fd, GET("/file"));
    hear(fd, NULL);
    close(fd);
    settle();
    ck_assert_int_eq(serving.last_error, -EIO);
    serving_close();
}
END_TEST

static void send_compressed(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_compress(exchange, NULL), 0);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "Content-Type", "text/plain"), 0);
    ck_assert_int_eq(sunpath_http_start(exchange, 200, (int64_t)sent.size), 0);
    ck_assert_int_eq(sunpath_http_send_file(exchange, file_of(N_FILE), sent.offset, sent.size), 0);
}

START_TEST(a_file_may_be_compressed_on_its_way) {
    static const struct sp_decoder_limits limits = {.max_ratio = 1000000};
    static char out[N_FILE];
    struct sp_coder_io io = {.out = out, .n_out = sizeof(out)};
    struct sp_decoder *decoder;
    const char *heard;
    size_t size;
    int fd;

    if (!sp_codings[0].name) {
        return;
    }
    fd = serve_ranges(5, N_FILE - 5, NULL);
    serving.handler.on_request = send_compressed;
    say(fd, "GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n"); /* without chunks */
    heard = hear_size(fd, NULL, &size);
    ck_assert_ptr_nonnull(strstr(heard, "\r\nContent-Encoding: gzip\r\n"));
    io.in = strstr(heard, "\r\n\r\n") + 4;
    io.n_in = size - (size_t)(io.in - heard);
    ck_assert_int_eq(sp_decoder_new(&decoder, sp_coding_find("gzip", 4), &limits), 0);
    ck_assert_int_eq(sp_decoder_step(decoder, &io, SP_CODER_FINISH), 0);
    sp_decoder_free(decoder);
    ck_assert_uint_eq(io.n_out, 5);
    check_bytes(out, 5, N_FILE - 5);
    close(fd);
    serving_close();
}
END_TEST

/* What a client that does not read costs: its socket's buffer, and in the end its connection. */
START_TEST(a_client_that_takes_nothing_is_cut_off) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    int fd;

    options.write_ms = 30;
    fd = serve_ranges(0, N_FILE, &options);
    say(fd, GET("/file"));
    settle();
    ck_assert_uint_eq(serving.n_finished, 0);
    ck_assert_int_ge(fcntl(sent.fd, F_GETFD), 0);
    while (serving.n_finished == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert_int_eq(serving.last_error, -ETIMEDOUT);
    ck_assert_int_eq(fcntl(sent.fd, F_GETFD), -1);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_client_that_takes_a_little_now_and_then_is_not) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    static char piece[65536];
    size_t left = N_FILE; /* and not the head: it is not to end by itself */
    int fd;

    options.write_ms = 200;
    fd = serve_ranges(0, N_FILE, &options);
    say(fd, GET("/file"));
    for (ssize_t n; left > 0; left -= (size_t)n) {
        sunpath_loop_dispatch(serving.loop, 10);
        n = recv(fd, piece, left < sizeof(piece) ? left : sizeof(piece), 0);
        ck_assert_int_gt(n, 0);
    }
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_file_that_is_cut_while_it_is_sent_cuts_the_connection) {
    size_t size;
    int fd = serve_ranges(0, N_FILE, NULL);

    say(fd, GET("/file") GET("/never"));
    settle();
    ck_assert_int_eq(ftruncate(sent.fd, 1000000), 0);
    ck_assert_ptr_null(strstr(hear_size(fd, NULL, &size), "/never"));
    ck_assert_uint_lt(size, 1000000 + 1000);
    settle();
    ck_assert_int_eq(serving.n_finished, 1);
    ck_assert_int_eq(serving.last_error, -EIO);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_server_may_be_freed_in_the_middle_of_a_file) {
    int fd = serve_ranges(0, N_FILE, NULL);

    say(fd, GET("/file"));
    settle();
    ck_assert_int_eq(serving.n_finished, 0);
    serving.server = sunpath_http_server_free(serving.server);
    ck_assert_int_eq(serving.n_finished, 1);
    ck_assert_int_eq(serving.last_error, -ECANCELED);
    ck_assert_int_eq(fcntl(sent.fd, F_GETFD), -1);
    close(fd);
    serving_close();
}
END_TEST

static uint64_t n_recorded;

static void count_record(struct sunpath_http_exchange *exchange,
                         const struct sunpath_http_record *record, void *user) {
    (void)exchange;
    (void)user;
    n_recorded = record->n_body_sent;
    ck_assert_uint_ge(record->n_sent, record->n_body_sent);
}

/* Of a file that a client left in the middle, what went to its socket is counted. */
START_TEST(what_was_not_sent_is_not_counted) {
    static const struct sunpath_http_observer observer = {.on_record = count_record};
    struct sunpath_http_stats stats;
    int fd = serve_ranges(0, N_FILE, NULL);

    ck_assert_int_eq(sunpath_http_server_observe(serving.server, &observer, NULL), 0);
    say(fd, GET("/file"));
    settle();
    close(fd);
    while (serving.n_finished == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert_uint_gt(n_recorded, 10000);
    ck_assert_uint_lt(n_recorded, N_FILE / 2);
    sunpath_http_server_stats(serving.server, &stats);
    ck_assert_uint_lt(stats.n_sent, N_FILE / 2);
    serving_close();
}
END_TEST

SP_TESTS("http-send-file", files_are_sent_as_the_client_takes_them,
         a_file_may_be_larger_than_max_output, a_client_that_leaves_mid_file_leaves_nothing,
         a_small_file_leaves_with_its_head, any_range_can_be_sent,
         pipelined_responses_keep_their_order_around_files,
         parts_of_a_file_come_with_texts_between_them, a_file_may_be_compressed_on_its_way,
         a_client_that_takes_nothing_is_cut_off, a_client_that_takes_a_little_now_and_then_is_not,
         a_file_that_is_cut_while_it_is_sent_cuts_the_connection,
         a_server_may_be_freed_in_the_middle_of_a_file, what_was_not_sent_is_not_counted)

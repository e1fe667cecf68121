/* SPDX-License-Identifier: MIT */
/* test-frame.c - every framing: whole, cut at every place, over the limit, at the end. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sunpath/frame.h>

#include "fixture.h"

#define N_MESSAGES 8

struct message {
    const char *data;
    size_t size;
};

/* What was read from a stream, until it failed or ended. */
struct outcome {
    char *data[N_MESSAGES + 1];
    size_t size[N_MESSAGES + 1];
    size_t n;
    bool is_unterminated;
    int result;
    struct sunpath_error error;
};

static void keep(struct outcome *out, const struct sunpath_frame *frame) {
    ck_assert_uint_le(out->n, N_MESSAGES);
    out->data[out->n] = malloc(frame->size + 1);
    memcpy(out->data[out->n], frame->data, frame->size);
    out->size[out->n++] = frame->size;
    out->is_unterminated = frame->is_unterminated;
}

static void forget(struct outcome *out) {
    for (size_t i = 0; i < out->n; i++) {
        free(out->data[i]);
    }
}

/* Reads what is in `data`; returns how much of it was messages. */
static size_t read_all(struct outcome *out, struct sunpath_frame_reader *reader, const char *data,
                       size_t size) {
    struct sunpath_frame frame;
    size_t at = 0;

    while ((out->result = sunpath_frame_read(reader, data + at, size - at, &frame, &out->error)) >
           0) {
        keep(out, &frame);
        at += frame.n_frame;
        ck_assert_uint_le(at, size);
    }
    return at;
}

/* Gives the stream in two pieces, each time in memory of exactly the size, and then its end. */
static struct outcome read_cut(const struct sunpath_frame_reader *as, const char *data, size_t size,
                               size_t n_first) {
    struct sunpath_frame_reader reader = *as;
    struct outcome out = {0};
    struct sunpath_frame frame;
    char *first = malloc(n_first ? n_first : 1), *rest;
    size_t at;

    memcpy(first, data, n_first);
    at = read_all(&out, &reader, first, n_first);
    free(first);
    rest = malloc(size - at ? size - at : 1);
    memcpy(rest, data + at, size - at);
    if (out.result == 0) {
        size_t n = read_all(&out, &reader, rest, size - at);

        if (out.result == 0) {
            out.result = sunpath_frame_end(&reader, rest + n, size - at - n, &frame, &out.error);
        }
        if (out.result > 0) {
            keep(&out, &frame);
        }
    }
    free(rest);
    ck_assert_uint_eq(reader.n_messages, out.n);
    return out;
}

static struct sunpath_frame_reader reader_of(enum sunpath_framing framing, size_t max) {
    return (struct sunpath_frame_reader){.framing = framing, .max_message = max};
}

/* Writes the messages as one stream; returns its length. */
static size_t write_all(char *stream, enum sunpath_framing framing, const struct message *messages,
                        size_t n) {
    struct sunpath_frame_envelope envelope;
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(sunpath_frame_wrap(&envelope, framing, messages[i].data, messages[i].size),
                         0);
        memcpy(stream + at, envelope.header, envelope.n_header);
        at += envelope.n_header;
        memcpy(stream + at, messages[i].data, messages[i].size);
        at += messages[i].size;
        memcpy(stream + at, envelope.trailer, envelope.n_trailer);
        at += envelope.n_trailer;
    }
    return at;
}

START_TEST(what_is_written_is_read_whatever_the_cut) {
    static char long_one[300];
    static const struct message messages[] = {{"hello", 5},    {"", 0},         {"x", 1},
                                              {long_one, 127}, {long_one, 128}, {long_one, 300},
                                              {"", 0}};
    static char stream[4096];

    memset(long_one, '-', sizeof(long_one));
    for (int f = SUNPATH_FRAME_LINE; f <= SUNPATH_FRAME_CONTENT_LENGTH; f++) {
        size_t n = f == SUNPATH_FRAME_U8 ? 5 : 7;
        struct sunpath_frame_reader reader = reader_of(f, 0);
        size_t size = write_all(stream, f, messages, n);

        for (size_t cut = 0; cut <= size; cut++) {
            struct outcome out = read_cut(&reader, stream, size, cut);

            ck_assert_int_eq(out.result, 0);
            ck_assert_uint_eq(out.n, n);
            for (size_t i = 0; i < n; i++) {
                ck_assert_uint_eq(out.size[i], messages[i].size);
                ck_assert_mem_eq(out.data[i], messages[i].data, messages[i].size);
            }
            forget(&out);
        }
    }
}
END_TEST

START_TEST(a_stream_that_ends_in_a_frame_says_so) {
    static const struct message messages[] = {{"hello", 5}, {"there", 5}};
    static char stream[256];

    for (int f = SUNPATH_FRAME_NUL; f <= SUNPATH_FRAME_CONTENT_LENGTH; f++) {
        struct sunpath_frame_reader reader = reader_of(f, 0);
        size_t size = write_all(stream, f, messages, 2);

        for (size_t end = 0; end <= size; end++) {
            struct outcome out = read_cut(&reader, stream, end, end / 2);
            bool is_clean = end == 0 || end == size / 2 || end == size;

            ck_assert_int_eq(out.result, is_clean ? 0 : -ECONNRESET);
            ck_assert_uint_eq(out.n, end < size / 2 ? 0 : end < size ? 1 : 2);
            if (!is_clean) {
                ck_assert_ptr_nonnull(
                    strstr(out.error.text, end < size / 2 ? "message 1: cut" : "message 2: cut"));
            }
            forget(&out);
        }
    }
}
END_TEST

START_TEST(the_last_line_may_lack_its_end) {
    struct sunpath_frame_reader reader = reader_of(SUNPATH_FRAME_LINE, 0);
    struct outcome out = read_cut(&reader, "a\nb", 3, 1);

    ck_assert_int_eq(out.result, 1);
    ck_assert_uint_eq(out.n, 2);
    ck_assert(out.is_unterminated);
    ck_assert_mem_eq(out.data[1], "b", 1);
    forget(&out);
    out = read_cut(&reader, "a\n", 2, 1);
    ck_assert_int_eq(out.result, 0);
    ck_assert(!out.is_unterminated);
    forget(&out);
    reader = reader_of(SUNPATH_FRAME_LINE, 2);
    reader.drop_cr = true;
    out = read_cut(&reader, "ab\r", 3, 1); /* without its LF the CR is a byte too many */
    ck_assert_int_eq(out.result, -EMSGSIZE);
    forget(&out);
}
END_TEST

START_TEST(a_carriage_return_goes_only_when_asked) {
    static const char stream[] = "one\r\n\r\ntwo\n\rx\r\r\n";
    static const struct message dropped[] = {{"one", 3}, {"", 0}, {"two", 3}, {"\rx\r", 3}};
    static const struct message kept[] = {{"one\r", 4}, {"\r", 1}, {"two", 3}, {"\rx\r\r", 4}};

    for (size_t cut = 0; cut < sizeof(stream); cut++) {
        for (int drop = 0; drop < 2; drop++) {
            struct sunpath_frame_reader reader = reader_of(SUNPATH_FRAME_LINE, 4);
            struct outcome out;

            reader.drop_cr = drop;
            out = read_cut(&reader, stream, sizeof(stream) - 1, cut);
            ck_assert_int_eq(out.result, 0);
            ck_assert_uint_eq(out.n, 4);
            for (size_t i = 0; i < 4; i++) {
                const struct message *is = drop ? &dropped[i] : &kept[i];

                ck_assert_uint_eq(out.size[i], is->size);
                ck_assert_mem_eq(out.data[i], is->data, is->size);
            }
            forget(&out);
        }
    }
}
END_TEST

struct bad {
    enum sunpath_framing framing;
    const char *data;
    size_t size;
    int result;
    const char *says;
};

/* Each comes after a good message "ab", with a limit of 4. */
static const struct bad bads[] = {
    {SUNPATH_FRAME_LINE, "abcde", 5, -EMSGSIZE, "message 2: its end is not within the limit of 4"},
    {SUNPATH_FRAME_LINE, "abcde\n", 6, -EMSGSIZE, "message 2"},
    {SUNPATH_FRAME_NUL, "abcde", 5, -EMSGSIZE, "limit of 4"},
    {SUNPATH_FRAME_U8, "\5", 1, -EMSGSIZE,
     "message 2: its length of 5 bytes is over the limit of 4"},
    {SUNPATH_FRAME_U16_BE, "\1\0", 2, -EMSGSIZE, "256 bytes"},
    {SUNPATH_FRAME_U16_LE, "\0\1", 2, -EMSGSIZE, "256 bytes"},
    {SUNPATH_FRAME_U32_BE, "\xff\xff\xff\xff", 4, -EMSGSIZE, "4294967295 bytes"},
    {SUNPATH_FRAME_U32_LE, "\xff\xff\xff\xff", 4, -EMSGSIZE, "4294967295 bytes"},
    {SUNPATH_FRAME_U64_BE, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, -EMSGSIZE,
     "18446744073709551615 bytes"},
    {SUNPATH_FRAME_U64_LE, "\0\0\0\0\0\0\0\1", 8, -EMSGSIZE, "72057594037927936 bytes"},
    {SUNPATH_FRAME_VARINT, "\x80\x01", 2, -EMSGSIZE, "128 bytes"},
    {SUNPATH_FRAME_VARINT, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, -EMSGSIZE, "limit of 4"},
    {SUNPATH_FRAME_VARINT, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, -EBADMSG, "64 bits"},
    {SUNPATH_FRAME_VARINT, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 10, -EBADMSG, "64 bits"},
    {SUNPATH_FRAME_VARINT, "\x82\x00", 2, -EBADMSG, "message 2: a varint that is longer"},
    {SUNPATH_FRAME_VARINT, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10, -EBADMSG, "longer"},
    {SUNPATH_FRAME_NETSTRING, "5", 1, -EMSGSIZE, "limit of 4"},
    {SUNPATH_FRAME_NETSTRING, "99999999999999999999999", 23, -EMSGSIZE, "limit of 4"},
    {SUNPATH_FRAME_NETSTRING, "02:ab,", 6, -EBADMSG, "begins with 0"},
    {SUNPATH_FRAME_NETSTRING, ":", 1, -EBADMSG, "length and a colon"},
    {SUNPATH_FRAME_NETSTRING, "-1:", 3, -EBADMSG, "length and a colon"},
    {SUNPATH_FRAME_NETSTRING, "2:ab;", 5, -EBADMSG, "comma"},
    {SUNPATH_FRAME_CONTENT_LENGTH, "Content-Length: 5\r\n\r\n", 21, -EMSGSIZE, "limit of 4"},
    {SUNPATH_FRAME_CONTENT_LENGTH, "Content-Length: 99999999999999999999\r\n\r\n", 40, -EMSGSIZE,
     ""},
    {SUNPATH_FRAME_CONTENT_LENGTH, "Content-Length: +2\r\n\r\n", 22, -EBADMSG, "no length"},
    {SUNPATH_FRAME_CONTENT_LENGTH, "Content-Length:\r\n\r\n", 19, -EBADMSG, "no length"},
    {SUNPATH_FRAME_CONTENT_LENGTH, "Content-Length: 1\r\ncontent-length: 1\r\n\r\n", 40, -EBADMSG,
     "two Content-Length"},
    {SUNPATH_FRAME_CONTENT_LENGTH, "Content-Type: x\r\n\r\n", 19, -EBADMSG, "without"},
    {SUNPATH_FRAME_CONTENT_LENGTH, "\r\n\r\n", 4, -EBADMSG, "none"},
    {SUNPATH_FRAME_CONTENT_LENGTH, "Content-Length 2\r\n\r\n", 20, -EBADMSG, "none"},
    {SUNPATH_FRAME_CONTENT_LENGTH, " Content-Length: 2\r\n\r\n", 22, -EBADMSG, "none"},
};

START_TEST(what_is_no_frame_is_refused_whatever_the_cut) {
    static const struct message good = {"ab", 2};
    char stream[256];

    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        struct sunpath_frame_reader reader = reader_of(bads[i].framing, 4);
        size_t size = write_all(stream, bads[i].framing, &good, 1);

        memcpy(stream + size, bads[i].data, bads[i].size);
        for (size_t cut = 0; cut <= size + bads[i].size; cut++) {
            struct outcome out = read_cut(&reader, stream, size + bads[i].size, cut);

            ck_assert_int_eq(out.result, bads[i].result);
            ck_assert_uint_eq(out.n, 1);
            ck_assert_msg(strstr(out.error.text, bads[i].says) != NULL, "%zu: %s", i,
                          out.error.text);
            ck_assert_ptr_nonnull(strstr(out.error.text, "message 2: "));
            forget(&out);
        }
    }
}
END_TEST

START_TEST(headers_are_bounded_and_others_are_passed_over) {
    static const char good[] = "X-Other: 1\r\nCONTENT-LENGTH:2 \r\nContent-Type: a;b=c\r\n\r\nhi";
    struct sunpath_frame_reader reader = reader_of(SUNPATH_FRAME_CONTENT_LENGTH, 0);
    struct outcome out = read_cut(&reader, good, sizeof(good) - 1, 30);
    char *endless = malloc(5000);

    ck_assert_int_eq(out.result, 0);
    ck_assert_uint_eq(out.n, 1);
    ck_assert_mem_eq(out.data[0], "hi", 2);
    forget(&out);
    memset(endless, 'x', 5000);
    out = read_cut(&reader, endless, 4095, 1000);
    ck_assert_int_eq(out.result, -ECONNRESET);
    out = read_cut(&reader, endless, 4096, 1000);
    ck_assert_int_eq(out.result, -EBADMSG);
    ck_assert_ptr_nonnull(strstr(out.error.text, "limit of 4096"));
    memcpy(endless, "Content-Length: 0\r\nA:", 21); /* the end comes too late, but all at once */
    memcpy(endless + 4093, "\r\n\r\n", 4);
    out = read_cut(&reader, endless, 4097, 0);
    ck_assert_int_eq(out.result, -EBADMSG);
    memcpy(endless + 4092, "\r\n\r\n", 4);
    out = read_cut(&reader, endless, 4096, 0);
    ck_assert_int_eq(out.result, 0);
    ck_assert_uint_eq(out.n, 1);
    forget(&out);
    free(endless);
}
END_TEST

START_TEST(the_reader_tells_how_much_it_wants) {
    struct sunpath_frame_reader reader = reader_of(SUNPATH_FRAME_U32_BE, 1 << 20);
    struct sunpath_frame frame;

    ck_assert_int_eq(sunpath_frame_read(&reader, "\0\1\0", 3, &frame, NULL), 0);
    ck_assert_uint_eq(reader.n_wanted, 0);
    ck_assert_int_eq(sunpath_frame_read(&reader, "\0\1\0\2z", 5, &frame, NULL), 0);
    ck_assert_uint_eq(reader.n_wanted, 4 + 65538);
    reader = reader_of(0, 0);
    ck_assert_int_eq(sunpath_frame_read(&reader, "x", 1, &frame, NULL), -EINVAL);
}
END_TEST

START_TEST(without_a_limit_a_length_is_still_a_length) {
    static const struct {
        enum sunpath_framing framing;
        const char *head;
    } hugest[] = {
        {SUNPATH_FRAME_U64_BE, "\xff\xff\xff\xff\xff\xff\xff\xff"},
        {SUNPATH_FRAME_U64_LE, "\xf8\xff\xff\xff\xff\xff\xff\xff"},
        {SUNPATH_FRAME_VARINT, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
        {SUNPATH_FRAME_NETSTRING, "18446744073709551615:"},
        {SUNPATH_FRAME_CONTENT_LENGTH, "Content-Length: 18446744073709551615\r\n\r\n"},
    };

    for (size_t i = 0; i < sizeof(hugest) / sizeof(hugest[0]); i++) {
        struct sunpath_frame_reader reader = reader_of(hugest[i].framing, SIZE_MAX);
        struct sunpath_frame frame;

        ck_assert_int_eq(
            sunpath_frame_read(&reader, hugest[i].head, strlen(hugest[i].head), &frame, NULL),
            -EMSGSIZE);
    }
}
END_TEST

SP_TESTS("frame", what_is_written_is_read_whatever_the_cut, a_stream_that_ends_in_a_frame_says_so,
         the_last_line_may_lack_its_end, a_carriage_return_goes_only_when_asked,
         what_is_no_frame_is_refused_whatever_the_cut,
         headers_are_bounded_and_others_are_passed_over, the_reader_tells_how_much_it_wants,
         without_a_limit_a_length_is_still_a_length)

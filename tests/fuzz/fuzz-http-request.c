/* SPDX-License-Identifier: MIT */
/* fuzz-http-request.c - any bytes as a request head. The first byte says where to cut. */

#include "http-invariants.h"

static ssize_t parse(struct sp_http_head *head, const char *data, size_t size, size_t n_seen) {
    return sp_http_parse_request(head, &limits, data, size, n_seen);
}

static char *put(char *at, const char *text, size_t size) {
    memcpy(at, text, size);
    return at + size;
}

/* What was read, written again with other white space, reads the same. */
static void check_written(const struct parsed *got, const uint8_t *data) {
    const char *text = (const char *)data;
    char again[2 * MAX_HEAD];
    struct parsed reread;
    char *at = again;

    at = put(at, text + got->head.method.at, got->head.method.size);
    *at++ = ' ';
    at = put(at, text + got->head.target.at, got->head.target.size);
    at = put(at, got->head.version == 11 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n", 11);
    at = put_fields(at, got, text);
    if (at - again > MAX_HEAD) {
        return;
    }
    parse_exactly(&reread, parse, (const uint8_t *)again, (size_t)(at - again), 0);
    sp_assert(reread.result == at - again);
    check_same(got, data, &reread, (const uint8_t *)again);
}

/* What a head means is decided by its bytes, whatever follows: a server need not parse it twice. */
static void check_alone(const struct parsed *got, const uint8_t *data) {
    struct parsed alone;

    parse_exactly(&alone, parse, data, (size_t)got->result, 0);
    sp_assert(alone.result == got->result);
    check_same(got, data, &alone, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct parsed got;
    size_t cut;

    if (size == 0) {
        return 0;
    }
    cut = data[0];
    data++;
    size--;
    parse_exactly(&got, parse, data, size, 0);
    check_head(&got, data, size);
    check_cut(&got, parse, data, size, cut % (size + 1));
    check_cut(&got, parse, data, size, size - cut % (size + 1));
    if (got.result > 0) {
        const char *text = (const char *)data;

        sp_assert(sp_http_is_token(text + got.head.method.at, got.head.method.size));
        sp_assert(sp_http_is_target(text + got.head.target.at, got.head.target.size));
        sp_assert(got.head.framing != SP_HTTP_UNTIL_CLOSE);
        check_written(&got, data);
        check_alone(&got, data);
    }
    return 0;
}

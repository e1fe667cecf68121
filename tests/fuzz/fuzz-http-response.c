/* SPDX-License-Identifier: MIT */
/* fuzz-http-response.c - any bytes as a response head. The first byte picks the cut and the method.
 */

#include "http-invariants.h"

static const char *method;

static ssize_t parse(struct sp_http_head *head, const char *data, size_t size, size_t n_seen) {
    return sp_http_parse_response(head, &limits, data, size, n_seen, method);
}

/* What was read, written again with our own reason and white space, reads the same. */
static void check_written(const struct parsed *got, const uint8_t *data) {
    char again[2 * MAX_HEAD + SP_HTTP_STATUS_ROOM];
    struct parsed reread;
    char *at;

    at = sp_http_put_status(again, got->head.status);
    again[7] = got->head.version == 11 ? '1' : '0';
    at = put_fields(at, got, (const char *)data);
    if (at - again > MAX_HEAD) {
        return;
    }
    parse_exactly(&reread, parse, (const uint8_t *)again, (size_t)(at - again), 0);
    sp_assert(reread.result == at - again);
    check_same(got, data, &reread, (const uint8_t *)again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const methods[] = {"GET", "GET", "HEAD", "CONNECT"};
    struct parsed got;
    size_t cut;

    if (size == 0) {
        return 0;
    }
    cut = data[0];
    method = methods[cut % 4];
    data++;
    size--;
    parse_exactly(&got, parse, data, size, 0);
    check_head(&got, data, size);
    check_cut(&got, parse, data, size, cut % (size + 1));
    check_cut(&got, parse, data, size, size - cut % (size + 1));
    if (got.result > 0) {
        sp_assert(got.head.status >= 100 && got.head.status <= 999);
        sp_assert(got.head.framing != SP_HTTP_UNTIL_CLOSE || !got.head.keep_alive);
        check_written(&got, data);
    }
    return 0;
}

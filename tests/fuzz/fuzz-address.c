/* SPDX-License-Identifier: MIT */
/* fuzz-address.c - any text as an address, any bytes as a struct sockaddr_un. */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <sunpath/address.h>

#include "base/cleanup.h"

/* Room for any spelling: a path that is percent-encoded, and a target as long as the input. */
#define MAX_INPUT 8192
#define ROOM      (3 * SUNPATH_NAME_MAX + MAX_INPUT + 64)

static void check_same(const struct sunpath_address *a, const struct sunpath_address *b) {
    sp_assert(a->kind == b->kind && a->type == b->type && a->is_typed == b->is_typed &&
              a->is_padded == b->is_padded && a->is_auto == b->is_auto && a->number == b->number &&
              a->n_name == b->n_name);
    sp_assert(memcmp(a->name, b->name, a->n_name) == 0);
    sp_assert(!a->uri == !b->uri && (!a->uri || strcmp(a->uri, b->uri) == 0));
}

static void check_shape(const struct sunpath_address *address, const char *text) {
    sp_assert(address->n_name <= SUNPATH_NAME_MAX && address->name[address->n_name] == '\0');
    sp_assert(!address->uri || (address->uri > text && address->uri < text + strlen(text) &&
                                address->uri[0] == '/'));
    if (address->kind == SUNPATH_ADDRESS_PATH) {
        sp_assert(strlen(address->name) == address->n_name);
        sp_assert(address->name[0] == '/' || address->name[0] == '.');
    }
    if (address->kind == SUNPATH_ADDRESS_TCP) {
        sp_assert(address->number >= 0 && address->number <= 65535);
    }
}

/* The canonical spelling is read as the same address, and is its own canonical spelling. */
static void check_spelling(const struct sunpath_address *address) {
    char *text = malloc(ROOM), *again = malloc(ROOM);
    struct sunpath_address reread;
    struct sunpath_error error;
    size_t n;

    sp_assert(text && again);
    n = sunpath_address_format(text, ROOM, address);
    sp_assert(n < ROOM && n == strlen(text) && n == sunpath_address_format(NULL, 0, address));
    sp_assert(sunpath_address_parse(&reread, text, &error) == 0);
    check_same(address, &reread);
    sp_assert(sunpath_address_format(again, ROOM, &reread) == n && strcmp(text, again) == 0);
    sp_assert(sunpath_address_format(again, n, address) == n && strlen(again) == n - 1);
    free(text);
    free(again);
}

/* What the kernel would be given, and would give back, is the same place. */
static void check_sockaddr(const struct sunpath_address *address) {
    struct sunpath_address reread;
    struct sockaddr_un un;
    int length = sunpath_address_to_sockaddr(address, &un);

    if (address->kind != SUNPATH_ADDRESS_PATH && address->kind != SUNPATH_ADDRESS_ABSTRACT) {
        sp_assert(length == -EAFNOSUPPORT);
        return;
    }
    if (address->is_auto) { /* no name yet: nothing to read back */
        sp_assert(length == (int)offsetof(struct sockaddr_un, sun_path));
        return;
    }
    if (length < 0) {
        sp_assert(length == -ENAMETOOLONG && address->n_name > 107);
        return;
    }
    if (address->is_auto) { /* bind(2) is given no name, and getsockname(2) before it gives none */
        sp_assert(sunpath_address_from_sockaddr(&reread, &un, (size_t)length, address->type) ==
                  -ENODATA);
        return;
    }
    sp_assert(sunpath_address_from_sockaddr(&reread, &un, (size_t)length, address->type) == 0);
    sp_assert(reread.kind == address->kind && reread.is_padded == address->is_padded);
    sp_assert(reread.n_name == address->n_name);
    sp_assert(memcmp(reread.name, address->name, address->n_name) == 0);
}

static void parse_one(const uint8_t *data, size_t size) {
    struct sunpath_address address;
    struct sunpath_error error = {0};
    char *text = malloc(size + 1);
    int r;

    sp_assert(text);
    memcpy(text, data, size);
    text[size] = '\0';
    r = sunpath_address_parse(&address, text, &error);
    if (r == 0) {
        check_shape(&address, text);
        check_spelling(&address);
        check_sockaddr(&address);
    } else {
        sp_assert((r == -EINVAL || r == -ENAMETOOLONG) && error.code == r && error.reason);
        sp_assert(error.text[0] && strlen(error.text) < sizeof(error.text) - 1);
        for (const char *c = error.text; *c; c++) {
            sp_assert((unsigned char)*c >= 0x20 && *c != 0x7f);
        }
    }
    free(text);
}

static void read_one(const uint8_t *data, size_t size) {
    struct sunpath_address address;
    uint8_t *bytes = malloc(size ? size : 1); /* no more, so that reading beyond is seen */
    uint16_t family = AF_UNIX;
    int r;

    sp_assert(bytes);
    memcpy(bytes, data, size);
    if (size >= sizeof(family)) {
        memcpy(bytes, &family, sizeof(family));
    }
    r = sunpath_address_from_sockaddr(&address, bytes, size, SUNPATH_STREAM);
    if (r == 0) {
        if (address.kind != SUNPATH_ADDRESS_ABSTRACT || address.n_name > 0 || address.is_padded) {
            check_spelling(&address);
        }
    } else {
        sp_assert(r == -EINVAL || r == -ENODATA);
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > MAX_INPUT) {
        return 0;
    }
    parse_one(data, size);
    read_one(data, size);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* address-format.c - write the canonical spelling of an address, and the kernel's. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <sunpath/address.h>

/* A buffer that counts on when it is full, as snprintf() does. */
struct writing {
    char *buffer;
    size_t n_buffer;
    size_t used;
};

static void put(struct writing *out, const char *data, size_t size) {
    for (size_t i = 0; i < size; i++, out->used++) {
        if (out->used + 1 < out->n_buffer) {
            out->buffer[out->used] = data[i];
        }
    }
}

static void put_text(struct writing *out, const char *text) {
    put(out, text, strlen(text));
}

static void put_number(struct writing *out, unsigned number) {
    char digits[10];
    size_t n = sizeof(digits);

    do {
        digits[--n] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(out, digits + n, sizeof(digits) - n);
}

/* With a target behind it, a name must not contain ":/" itself: the colon is escaped then. */
static void put_abstract(struct writing *out, const struct sunpath_address *address, bool has_uri) {
    char escaped[4 * 107 + 1];
    size_t n_name = address->n_name < 107 ? address->n_name : 107;
    size_t n = sunpath_escape(escaped, sizeof(escaped), address->name, n_name);

    if (address->is_auto) {
        put_text(out, "autobind:");
        return;
    }
    put_text(out, address->is_padded ? "abns@" : "@");
    if (address->is_padded && n == 0) {
        put_text(out, "\\x00"); /* NULs alone: an empty name would not be read back */
    }
    for (size_t i = 0; i < n; i++) {
        if (has_uri && escaped[i] == ':') {
            put_text(out, "\\x3a");
        } else {
            put(out, escaped + i, 1);
        }
    }
}

/* RFC 3986 2.3: everything but the unreserved characters is encoded. */
static void put_percent_encoded(struct writing *out, const char *data, size_t size) {
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            (c && strchr("-._~", c))) {
            put(out, data + i, 1);
        } else {
            put(out, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
        }
    }
}

static void put_place(struct writing *out, const struct sunpath_address *address) {
    bool has_uri = address->uri && !address->is_typed;

    if (address->is_typed) {
        put_text(out, address->type == SUNPATH_STREAM  ? "stream:"
                      : address->type == SUNPATH_DGRAM ? "dgram:"
                                                       : "seqpacket:");
    } else if (has_uri && address->kind == SUNPATH_ADDRESS_PATH &&
               (strstr(address->name + 1, ":/") || strncmp(address->name, "//", 2) == 0)) {
        /* what "unix:" would read as something else */
        put_text(out, "http+unix://");
        put_percent_encoded(out, address->name, address->n_name);
        put_text(out, address->uri);
        return;
    } else if (has_uri) {
        put_text(out, "unix:");
    }
    if (address->kind == SUNPATH_ADDRESS_ABSTRACT) {
        put_abstract(out, address, has_uri);
    } else {
        put(out, address->name, address->n_name);
    }
    if (has_uri) {
        put_text(out, ":");
        put_text(out, address->uri);
    }
}

static void put_tcp(struct writing *out, const struct sunpath_address *address) {
    bool is_v6 = memchr(address->name, ':', address->n_name);

    put_text(out, is_v6 ? "tcp:[" : "tcp:");
    put(out, address->name, address->n_name);
    put_text(out, is_v6 ? "]:" : ":");
    put_number(out, (unsigned)address->number);
    if (address->uri) {
        put_text(out, address->uri);
    }
}

size_t sunpath_address_format(char *buffer, size_t n_buffer,
                              const struct sunpath_address *address) {
    struct writing out = {.buffer = buffer, .n_buffer = n_buffer};

    switch (address->kind) {
    case SUNPATH_ADDRESS_PATH:
    case SUNPATH_ADDRESS_ABSTRACT:
        put_place(&out, address);
        break;
    case SUNPATH_ADDRESS_FD:
        put_text(&out, "fd:");
        put_number(&out, (unsigned)address->number);
        break;
    case SUNPATH_ADDRESS_SYSTEMD:
        put_text(&out, "systemd:");
        put(&out, address->name, address->n_name);
        break;
    case SUNPATH_ADDRESS_TCP:
        put_tcp(&out, address);
        break;
    }
    if (n_buffer > 0) {
        buffer[out.used < n_buffer ? out.used : n_buffer - 1] = '\0';
    }
    return out.used;
}

int sunpath_address_to_sockaddr(const struct sunpath_address *address, void *sockaddr) {
    struct sockaddr_un *un = sockaddr;
    bool is_abstract = address->kind == SUNPATH_ADDRESS_ABSTRACT;

    if (!is_abstract && address->kind != SUNPATH_ADDRESS_PATH) {
        return -EAFNOSUPPORT;
    }
    if (address->n_name > sizeof(un->sun_path) - 1) {
        return -ENAMETOOLONG;
    }
    if (!is_abstract && (address->n_name == 0 || memchr(address->name, '\0', address->n_name))) {
        return -EINVAL; /* the kernel would take it for an abstract name, or cut it */
    }
    memset(un, 0, sizeof(*un));
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path + is_abstract, address->name, address->n_name);
    if (address->is_padded) {
        return (int)sizeof(*un);
    }
    if (address->is_auto) {
        return (int)offsetof(struct sockaddr_un, sun_path);
    }
    return (int)(offsetof(struct sockaddr_un, sun_path) + 1 + address->n_name);
}

/* The kernel keeps a relative path as it was given to bind(): give it the "./" of the grammar. */
static void read_path(struct sunpath_address *address, const char *path, size_t n_path) {
    bool is_bare = path[0] != '/' && !(n_path >= 2 && memcmp(path, "./", 2) == 0) &&
                   !(n_path >= 3 && memcmp(path, "../", 3) == 0);
    size_t n_prefix = is_bare ? 2 : 0;

    memcpy(address->name, "./", n_prefix);
    memcpy(address->name + n_prefix, path, n_path);
    address->n_name = n_prefix + n_path;
}

int sunpath_address_from_sockaddr(struct sunpath_address *ret, const void *sockaddr, size_t length,
                                  enum sunpath_type type) {
    const struct sockaddr_un *un = sockaddr;
    size_t n = length - offsetof(struct sockaddr_un, sun_path);
    struct sunpath_address address;

    if (length == 0) {
        return -ENODATA; /* what recvmsg(2) gives for a sender without a name */
    }
    if (length < offsetof(struct sockaddr_un, sun_path) || length > sizeof(*un) + 1) {
        return -EINVAL;
    }
    if (un->sun_family != AF_UNIX) {
        return -EAFNOSUPPORT;
    }
    if (n == 0) {
        return -ENODATA;
    }
    if (n > sizeof(un->sun_path)) {
        n = sizeof(un->sun_path); /* a path of 108 bytes, whose NUL the kernel counts */
    }

    memset(&address, 0, sizeof(address));
    address.type = type;
    address.is_typed = type != SUNPATH_STREAM;
    if (un->sun_path[0]) {
        address.kind = SUNPATH_ADDRESS_PATH;
        read_path(&address, un->sun_path, strnlen(un->sun_path, n));
    } else {
        address.kind = SUNPATH_ADDRESS_ABSTRACT;
        address.n_name = n - 1;
        memcpy(address.name, un->sun_path + 1, n - 1);
        address.is_padded = n == sizeof(un->sun_path) && !address.name[n - 2];
        while (address.is_padded && address.n_name > 0 && !address.name[address.n_name - 1]) {
            address.n_name--;
        }
    }
    *ret = address;
    return 0;
}

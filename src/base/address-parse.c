/* SPDX-License-Identifier: MIT */
/* address-parse.c - read every spelling of an address. */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <sunpath/address.h>

#include "base/address-hints.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#define ABSTRACT_MAX 107 /* sun_path less the leading NUL: unix(7) */

/* What is being read, for the messages. */
struct reading {
    const char *text;
    struct sunpath_error *error;
};

static int refuse(const struct reading *in, int code, const char *why) {
    return sp_refuse_address(in->error, in->text, code, why);
}

/* When `*text` begins with `prefix`, steps over it. */
static bool skip(const char **text, const char *prefix) {
    size_t n = strlen(prefix);

    if (strncmp(*text, prefix, n) != 0) {
        return false;
    }
    *text += n;
    return true;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The byte that two hex digits at `at` mean, or -1. Does not look behind a NUL. */
static int hex_byte(const char *at, size_t size) {
    int high, low;

    if (size < 2) {
        return -1;
    }
    high = hex_digit(at[0]);
    low = hex_digit(at[1]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static int set_path(struct sunpath_address *ret, const struct reading *in, const char *path,
                    size_t n_path) {
    bool is_bare = path[0] != '/' && !(n_path >= 2 && memcmp(path, "./", 2) == 0) &&
                   !(n_path >= 3 && memcmp(path, "../", 3) == 0);
    size_t n_prefix = is_bare ? 2 : 0;

    if (n_path + n_prefix > SUNPATH_NAME_MAX) {
        return refuse(in, -ENAMETOOLONG, "a path can have 4095 bytes");
    }
    ret->kind = SUNPATH_ADDRESS_PATH;
    memcpy(ret->name, "./", n_prefix);
    memcpy(ret->name + n_prefix, path, n_path);
    ret->n_name = n_prefix + n_path;
    ret->name[ret->n_name] = '\0';
    return 0;
}

/* The byte behind a backslash in an abstract name; *ret_used counts what follows the backslash. */
static int unescape(const char *at, size_t size, size_t *ret_used) {
    *ret_used = 1;
    switch (size > 0 ? at[0] : '\0') {
    case '\\':
        return '\\';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'x':
        *ret_used = 3;
        return hex_byte(at + 1, size - 1);
    default:
        return -1;
    }
}

static int set_abstract(struct sunpath_address *ret, const struct reading *in, const char *name,
                        size_t n_name, bool is_padded) {
    size_t n = 0, n_escape = 0;

    for (size_t i = 0; i < n_name; i += 1 + n_escape) {
        int byte = (unsigned char)name[i];

        n_escape = 0;
        if (byte == '\\') {
            byte = unescape(name + i + 1, n_name - i - 1, &n_escape);
        }
        if (byte < 0) {
            return refuse(in, -EINVAL,
                          "in an abstract name a backslash begins \\xHH, \\n, \\r, \\t or \\\\");
        }
        if (n == ABSTRACT_MAX) {
            return refuse(in, -ENAMETOOLONG, "an abstract name can have 107 bytes");
        }
        ret->name[n++] = (char)byte;
    }
    if (n == 0) {
        return refuse(
            in, -EINVAL,
            "the abstract name is empty; for one that the kernel chooses write autobind:");
    }

    /* A full name that ends in NULs and a padded one are the same bytes: keep one form of both. */
    is_padded = is_padded ? ret->name[ABSTRACT_MAX - 1] == '\0' || n < ABSTRACT_MAX
                          : n == ABSTRACT_MAX && ret->name[n - 1] == '\0';
    while (is_padded && n > 0 && ret->name[n - 1] == '\0') {
        n--;
    }
    ret->kind = SUNPATH_ADDRESS_ABSTRACT;
    ret->is_padded = is_padded;
    ret->n_name = n;
    ret->name[n] = '\0';
    return 0;
}

/* A path or an abstract name, where nothing else is possible. */
static int set_place(struct sunpath_address *ret, const struct reading *in, const char *place,
                     size_t n_place) {
    if (n_place == 0) {
        return refuse(in, -EINVAL, "the path is missing");
    }
    if (place[0] == '@') {
        return set_abstract(ret, in, place + 1, n_place - 1, false);
    }
    if (n_place >= 5 && memcmp(place, "abns@", 5) == 0) {
        return set_abstract(ret, in, place + 5, n_place - 5, true);
    }
    if (n_place == strlen("autobind:") && memcmp(place, "autobind:", n_place) == 0) {
        ret->kind = SUNPATH_ADDRESS_ABSTRACT;
        ret->is_auto = true;
        return 0;
    }
    if (n_place >= 2 && memcmp(place, "~/", 2) == 0) {
        return refuse(in, -EINVAL, SP_HINT_HOME);
    }
    return set_path(ret, in, place, n_place);
}

/* Does `place` look like an address of its own, which makes it ambiguous behind a prefix? */
static bool has_scheme(const char *place) {
    static const char *const schemes[] = {
        "unix:",   "fd:",        "systemd:", "tcp:",   "http:",
        "stream:", "seqpacket:", "dgram:",   "https:", "http+unix:"};

    for (size_t i = 0; i < SP_ARRAY_SIZE(schemes); i++) {
        if (skip(&place, schemes[i])) {
            return true;
        }
    }
    return false;
}

/* PATH or PATH:/uri, as nginx writes it: the first ":/" divides them. */
static int parse_with_uri(struct sunpath_address *ret, const struct reading *in,
                          const char *place) {
    const char *end = strstr(place, ":/");

    if (end) {
        ret->uri = end + 1;
        return set_place(ret, in, place, (size_t)(end - place));
    }
    if (place[0] && place[strlen(place) - 1] == ':' && strcmp(place, "autobind:") != 0) {
        return refuse(
            in, -EINVAL,
            "behind the last colon a target is missing: write :/ there; a file whose name "
            "ends in a colon is written without unix:");
    }
    return set_place(ret, in, place, strlen(place));
}

static int parse_unix(struct sunpath_address *ret, const struct reading *in, const char *rest) {
    if (rest[0] == '/' && rest[1] == '/') {
        rest += 2;
        if (rest[0] != '/' && rest[0] != '@') {
            return refuse(in, -EINVAL,
                          "behind unix:// comes an absolute path or @name: unix:///run/app.sock");
        }
    }
    if (strncmp(rest, "path=", 5) == 0 || strncmp(rest, "abstract=", 9) == 0) {
        return refuse(in, -EINVAL,
                      "that is D-Bus's spelling; here it is unix:/run/app.sock or unix:@name");
    }
    if (has_scheme(rest)) {
        return refuse(in, -EINVAL, "behind unix: comes a path or @name: unix:/run/app.sock");
    }
    return parse_with_uri(ret, in, rest);
}

/* http+unix://%2Frun%2Fapp.sock/uri: the host is the percent-encoded path (RFC 3986 2.1). */
static int parse_http_unix(struct sunpath_address *ret, const struct reading *in,
                           const char *host) {
    size_t n_host = strcspn(host, "/?#");
    char path[SUNPATH_NAME_MAX];
    size_t n = 0;

    for (size_t i = 0; i < n_host; i++) {
        int byte = (unsigned char)host[i];

        if (byte == '%') {
            byte = hex_byte(host + i + 1, n_host - i - 1);
            i += 2;
        }
        if (byte <= 0) {
            return refuse(in, -EINVAL, "a percent sign must be followed by two hex digits, not 00");
        }
        if (n == sizeof(path)) {
            return refuse(in, -ENAMETOOLONG, "a path can have 4095 bytes");
        }
        path[n++] = (char)byte;
    }
    if (host[n_host] && host[n_host] != '/') {
        return refuse(in, -EINVAL, "behind the socket comes a target that begins with /");
    }
    if (n > 0 && path[0] != '/' && path[0] != '.' && path[0] != '@' &&
        !(n >= 5 && memcmp(path, "abns@", 5) == 0)) {
        return refuse(
            in, -EINVAL,
            "the socket's path is written percent-encoded: http+unix://%2Frun%2Fapp.sock/");
    }
    ret->uri = host[n_host] ? host + n_host : NULL;
    return set_place(ret, in, path, n);
}

static int parse_typed(struct sunpath_address *ret, const struct reading *in, const char *place,
                       enum sunpath_type type) {
    if (has_scheme(place)) {
        return refuse(in, -EINVAL, "behind the type comes a path or @name: seqpacket:/run/x");
    }
    ret->type = type;
    ret->is_typed = true;
    return set_place(ret, in, place, strlen(place));
}

static int parse_fd(struct sunpath_address *ret, const struct reading *in, const char *rest) {
    uint64_t number;

    if (!sp_parse_number(&number, rest, strlen(rest), INT32_MAX)) {
        return refuse(in, -EINVAL, "behind fd: comes the number of a descriptor: fd:3");
    }
    ret->kind = SUNPATH_ADDRESS_FD;
    ret->number = (int)number;
    return 0;
}

static int parse_systemd(struct sunpath_address *ret, const struct reading *in, const char *name) {
    size_t n = strlen(name);

    if (n > 255) { /* FDNAME_MAX: sd_listen_fds(3) */
        return refuse(in, -ENAMETOOLONG, "a descriptor's name can have 255 bytes");
    }
    for (size_t i = 0; i < n; i++) {
        if (name[i] == ':' || (unsigned char)name[i] < 0x20 || (unsigned char)name[i] >= 0x7f) {
            return refuse(in, -EINVAL, "a descriptor's name is printable ASCII without a colon");
        }
    }
    ret->kind = SUNPATH_ADDRESS_SYSTEMD;
    memcpy(ret->name, name, n + 1);
    ret->n_name = n;
    return 0;
}

/* fe80::1, fe80::1%eth0 */
static bool is_ipv6(const char *host, size_t n_host) {
    const char *zone = memchr(host, '%', n_host);
    size_t n = zone ? (size_t)(zone - host) : n_host;
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (n >= sizeof(text) || (zone && n + 1 == n_host)) {
        return false;
    }
    memcpy(text, host, n);
    text[n] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_host(const char *host, size_t n_host, bool in_brackets) {
    for (size_t i = 0; i < n_host; i++) {
        unsigned char c = (unsigned char)host[i];

        if (c <= 0x20 || c >= 0x7f || strchr("/[]@?#\\", c) || (c == ':' && !in_brackets)) {
            return false;
        }
    }
    return n_host > 0 && n_host <= 255 && (!in_brackets || is_ipv6(host, n_host));
}

static int parse_tcp(struct sunpath_address *ret, const struct reading *in, const char *rest) {
    bool in_brackets = rest[0] == '[';
    const char *host = rest + in_brackets;
    size_t n_host = strcspn(host, in_brackets ? "]" : ":/");
    const char *port = host + n_host;
    uint64_t number;
    size_t n_port;

    if (!is_host(host, n_host, in_brackets) || (in_brackets && !skip(&port, "]")) ||
        !skip(&port, ":")) {
        return refuse(in, -EINVAL, "write tcp:HOST:PORT, as in tcp:127.0.0.1:80 or tcp:[::1]:80");
    }
    n_port = strcspn(port, "/");
    if (!sp_parse_number(&number, port, n_port, 65535)) {
        return refuse(in, -EINVAL, "a port is a number from 0 to 65535");
    }
    ret->kind = SUNPATH_ADDRESS_TCP;
    ret->number = (int)number;
    memcpy(ret->name, host, n_host);
    ret->name[n_host] = '\0';
    ret->n_name = n_host;
    ret->uri = port[n_port] ? port + n_port : NULL;
    return 0;
}

/* Caddy's "|0222" behind a path? */
static bool has_mode(const char *text) {
    const char *bar = strrchr(text, '|');
    size_t n = bar ? strspn(bar + 1, "01234567") : 0;

    return (n == 3 || n == 4) && bar[1 + n] == '\0';
}

static int parse(struct sunpath_address *ret, const struct reading *in) {
    const char *rest = in->text;

    if (rest[0] == '/' || strncmp(rest, "./", 2) == 0 || strncmp(rest, "../", 3) == 0) {
        return set_path(ret, in, rest, strlen(rest));
    }
    if (rest[0] == '@' || strncmp(rest, "abns@", 5) == 0 || strcmp(rest, "autobind:") == 0) {
        return set_place(ret, in, rest, strlen(rest));
    }
    if (skip(&rest, "http+unix://")) {
        return parse_http_unix(ret, in, rest);
    }
    if (strncmp(rest, "http://unix:", 12) == 0 && rest[12] && strchr("/.@", rest[12])) {
        rest += 12;
        return parse_with_uri(ret, in, rest);
    }
    if (skip(&rest, "unix:")) {
        return parse_unix(ret, in, rest);
    }
    if (strncmp(rest, "unix//", 6) == 0 && has_mode(rest)) {
        return refuse(in, -EINVAL, "a mode is no part of an address: use the option for it");
    }
    if (strncmp(rest, "unix//", 6) == 0 || strncmp(rest, "unix/@", 6) == 0) {
        return set_place(ret, in, rest + 5, strlen(rest + 5));
    }
    if (skip(&rest, "stream:")) {
        return parse_typed(ret, in, rest, SUNPATH_STREAM);
    }
    if (skip(&rest, "seqpacket:")) {
        return parse_typed(ret, in, rest, SUNPATH_SEQPACKET);
    }
    if (skip(&rest, "dgram:")) {
        return parse_typed(ret, in, rest, SUNPATH_DGRAM);
    }
    if (skip(&rest, "fd:")) {
        return parse_fd(ret, in, rest);
    }
    if (skip(&rest, "systemd:")) {
        return parse_systemd(ret, in, rest);
    }
    if (skip(&rest, "tcp:")) {
        return parse_tcp(ret, in, rest);
    }
    return sp_refuse_unknown_address(in->error, in->text);
}

int sunpath_address_parse(struct sunpath_address *ret, const char *text,
                          struct sunpath_error *error) {
    struct reading in = {.text = text, .error = error};
    struct sunpath_address address;
    int r;

    if (!ret || !text) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "parse", "there is no address");
    }
    memset(&address, 0, sizeof(address));
    address.type = SUNPATH_STREAM;
    r = parse(&address, &in);
    if (r < 0) {
        return r;
    }
    *ret = address;
    return 0;
}

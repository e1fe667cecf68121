/* SPDX-License-Identifier: MIT */
/* address-hints.c - what was probably meant by a text that is no address. */

#include "base/address-hints.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#define SHORT 60 /* bytes of a text that is worth repeating as it should have been */

/* How others spell it: `meant` stands in the place of `prefix`, or `why` says that nothing does. */
static const struct hint {
    const char *prefix;
    const char *meant;
    const char *why;
} hints[] = {
    {"UNIX:", "unix:", NULL}, /* socat(1) */
    {"UNIX-CONNECT:", "unix:", NULL},
    {"UNIX-CLIENT:", "unix:", NULL},
    {"UNIX-LISTEN:", "unix:", NULL},
    {"UNIX-SENDTO:", "dgram:", NULL},
    {"UNIX-RECV:", "dgram:", NULL},
    {"UNIX-RECVFROM:", "dgram:", NULL},
    {"ABSTRACT:", "@", NULL},
    {"ABSTRACT-CONNECT:", "@", NULL},
    {"ABSTRACT-CLIENT:", "@", NULL},
    {"ABSTRACT-LISTEN:", "@", NULL},
    {"TCP:", "tcp:", NULL},
    {"TCP-CONNECT:", "tcp:", NULL},
    {"http+unix:", "unix:", NULL},       /* without its "//" */
    {"unixpacket:", "seqpacket:", NULL}, /* the networks of Go */
    {"unixgram:", "dgram:", NULL},
    {"abstract:", "@", NULL},
    {"unix-abstract:", "@", NULL}, /* gRPC */
    {"vsock:", NULL, "vsock is not supported: a socket is a Unix or a TCP one here"},
    {"VSOCK-CONNECT:", NULL, "vsock is not supported: a socket is a Unix or a TCP one here"},
    {"VSOCK-LISTEN:", NULL, "vsock is not supported: a socket is a Unix or a TCP one here"},
    {"~/", NULL, SP_HINT_HOME},
};

int sp_refuse_address(struct sunpath_error *error, const char *text, int code, const char *why) {
    struct sp_shown shown;

    return sp_fail(error, code,
                   code == -ENAMETOOLONG ? SUNPATH_REASON_NAME_TOO_LONG : SUNPATH_REASON_INVALID,
                   "parse", "'%s': %s", sp_show(&shown, text, strlen(text)), why);
}

static int refuse_hinted(struct sunpath_error *error, const char *text, const struct hint *hint) {
    const char *rest = text + strlen(hint->prefix);
    bool is_short = strlen(rest) <= SHORT;
    struct sp_shown shown, meant;

    if (hint->why) {
        return sp_refuse_address(error, text, -EINVAL, hint->why);
    }
    sp_show(&shown, text, strlen(text));
    sp_show(&meant, rest, strlen(rest));
    return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "parse",
                   "'%s': is no address: write '%s%s'", shown.text, hint->meant,
                   is_short ? meant.text : "...");
}

static bool is_port(const char *text) {
    uint64_t port;

    return sp_parse_number(&port, text, strlen(text), 65535);
}

/* HOST:PORT without its "tcp:"? */
static bool is_host_and_port(const char *text) {
    const char *colon = strrchr(text, ':');

    return colon && !strchr(text, '/') && is_port(colon + 1);
}

/* No spelling fits, so it is a bare word: show what it may have been meant for. */
static int refuse_bare(struct sunpath_error *error, const char *text) {
    struct sp_shown shown;

    sp_show(&shown, text, strlen(text));
    if (strlen(shown.text) > SHORT) {
        return sp_refuse_address(error, text, -EINVAL,
                                 "is no address: put './' before a file in this directory, '@' "
                                 "before an abstract name");
    }
    if (is_port(text)) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "parse",
                       "'%s': is no address: for TCP write 'tcp:127.0.0.1:%s', for a file './%s'",
                       shown.text, shown.text, shown.text);
    }
    if (is_host_and_port(text)) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "parse",
                       "'%s': is no address: for TCP write 'tcp:%s%s'", shown.text,
                       text[0] == ':' ? "127.0.0.1" : "", shown.text);
    }
    return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "parse",
                   "'%s': is no address: write './%s' for a file in this directory or '@%s' "
                   "for an abstract name",
                   shown.text, shown.text, shown.text);
}

/* http://HOST, with or without a port and a target. A host called "unix" was meant otherwise. */
static int refuse_http(struct sunpath_error *error, const char *text) {
    const char *host = text + strlen("http://");
    size_t n_host = strcspn(host, "/?#@ ");
    const char *target = host + n_host;
    const char *end = memrchr(host, ']', n_host);
    bool has_port = memchr(end ? end : host, ':', n_host - (size_t)(end ? end - host : 0));
    struct sp_shown shown, meant;
    char plain[SHORT + 16];

    if (text[4] == 's' || n_host == 0 || host[0] == ':' || strncmp(host, "unix:", 5) == 0 ||
        strlen(host) > SHORT || (*target && *target != '/')) {
        return sp_refuse_address(error, text, -EINVAL,
                                 "for HTTP on a socket write unix:/run/app.sock:/uri or "
                                 "http+unix://%2Frun%2Fapp.sock/uri, for TCP tcp:HOST:PORT/uri");
    }
    sp_show(&shown, text, strlen(text));
    snprintf(plain, sizeof(plain), "tcp:%.*s%s%s", (int)n_host, host, has_port ? "" : ":80",
             *target ? target : "/");
    sp_show(&meant, plain, strlen(plain));
    return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "parse",
                   "'%s': is no address: for TCP write '%s'", shown.text, meant.text);
}

int sp_refuse_unknown_address(struct sunpath_error *error, const char *text) {
    if (!text[0]) {
        return sp_refuse_address(error, text, -EINVAL, "an address cannot be empty");
    }
    for (size_t i = 0; i < SP_ARRAY_SIZE(hints); i++) {
        if (strncmp(text, hints[i].prefix, strlen(hints[i].prefix)) == 0) {
            return refuse_hinted(error, text, &hints[i]);
        }
    }
    if (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) {
        return refuse_http(error, text);
    }
    if (strstr(text, "://")) {
        return sp_refuse_address(error, text, -EINVAL,
                                 "this scheme is not known; for a path write unix:///run/app.sock");
    }
    return refuse_bare(error, text);
}

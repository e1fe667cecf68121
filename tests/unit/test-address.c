/* SPDX-License-Identifier: MIT */
/* test-address.c - every spelling of an address, both ways, and what is refused. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <sunpath/address.h>

#include "fixture.h"

#define PATH     SUNPATH_ADDRESS_PATH
#define ABSTRACT SUNPATH_ADDRESS_ABSTRACT
#define FD       SUNPATH_ADDRESS_FD
#define SYSTEMD  SUNPATH_ADDRESS_SYSTEMD
#define TCP      SUNPATH_ADDRESS_TCP

struct spelling {
    const char *text;
    enum sunpath_address_kind kind;
    const char *name;
    const char *canonical; /* NULL: the text itself */
    const char *uri;
    int number;
    enum sunpath_type type; /* 0: not named */
    bool is_padded;
    size_t n_name; /* 0: strlen(name) */
};

static const struct spelling spellings[] = {
    {"/run/app.sock", PATH, "/run/app.sock", .uri = NULL},
    {"./app.sock", PATH, "./app.sock", .uri = NULL},
    {"../app.sock", PATH, "../app.sock", .uri = NULL},
    {"/", PATH, "/", .uri = NULL},
    {"//a", PATH, "//a", .uri = NULL},
    {"/a:/b", PATH, "/a:/b", .uri = NULL}, /* taken literally */
    {"/a b\n\\x41%20", PATH, "/a b\n\\x41%20", .uri = NULL},
    {"unix:/run/app.sock", PATH, "/run/app.sock", .canonical = "/run/app.sock"},
    {"unix:app.sock", PATH, "./app.sock", .canonical = "./app.sock"},
    {"unix:.hidden", PATH, "./.hidden", .canonical = "./.hidden"},
    {"unix:..hidden", PATH, "./..hidden", .canonical = "./..hidden"},
    {"unix:../app.sock", PATH, "../app.sock", .canonical = "../app.sock"},
    {"unix:httpd.sock", PATH, "./httpd.sock", .canonical = "./httpd.sock"},
    {"unix:./fd:3", PATH, "./fd:3", .canonical = "./fd:3"},
    {"unix:///run/app.sock", PATH, "/run/app.sock", .canonical = "/run/app.sock"},
    {"unix:////run/app.sock", PATH, "//run/app.sock", .canonical = "//run/app.sock"},
    {"unix//run/app.sock", PATH, "/run/app.sock", .canonical = "/run/app.sock"},
    {"/a:", PATH, "/a:", .uri = NULL},
    {"unix:./~/a", PATH, "./~/a", .canonical = "./~/a"},
    {"unix//a|b", PATH, "/a|b", .canonical = "/a|b"},
    {"unix//a|02222", PATH, "/a|02222", .canonical = "/a|02222"},
    {"unix:autobind:", ABSTRACT, "", .canonical = "autobind:"},
    {"unix:/a:/uri", PATH, "/a", .uri = "/uri"},
    {"unix:a:/", PATH, "./a", .canonical = "unix:./a:/", .uri = "/"},
    {"unix:/a::/uri", PATH, "/a:", .uri = "/uri"},
    {"unix:/a:/u:/v?w=/x#y", PATH, "/a", .uri = "/u:/v?w=/x#y"},
    {"unix:///a:/uri", PATH, "/a", .canonical = "unix:/a:/uri", .uri = "/uri"},
    {"http+unix://%2Frun%2Fapp.sock/uri", PATH, "/run/app.sock",
     .canonical = "unix:/run/app.sock:/uri", .uri = "/uri"},
    {"http+unix://%2frun%2fapp.sock", PATH, "/run/app.sock", .canonical = "/run/app.sock"},
    {"http+unix://.%2Fa/", PATH, "./a", .canonical = "unix:./a:/", .uri = "/"},
    {"http+unix://%2Fa%3A%2Fb/u", PATH, "/a:/b", .canonical = "http+unix://%2Fa%3A%2Fb/u",
     .uri = "/u"},
    {"http+unix://%2F%2Fa%20%C3%BC~/u", PATH, "//a \xc3\xbc~", .uri = "/u"},
    {"http+unix://%40a/u", ABSTRACT, "a", .canonical = "unix:@a:/u", .uri = "/u"},
    {"http+unix://abns%40a/u", ABSTRACT, "a", .canonical = "unix:abns@a:/u", .uri = "/u",
     .is_padded = true},
    {"http://unix:/a:/uri", PATH, "/a", .canonical = "unix:/a:/uri", .uri = "/uri"},
    {"http://unix:./a:/uri", PATH, "./a", .canonical = "unix:./a:/uri", .uri = "/uri"},
    {"http://unix:@a:/uri", ABSTRACT, "a", .canonical = "unix:@a:/uri", .uri = "/uri"},
    {"@name", ABSTRACT, "name", .uri = NULL},
    {"@/run/x", ABSTRACT, "/run/x", .uri = NULL},
    {"@a:/b", ABSTRACT, "a:/b", .uri = NULL}, /* taken literally */
    {"@@", ABSTRACT, "@", .uri = NULL},
    {"@a\\x00b\\n\\r\\t\\\\c", ABSTRACT, "a\0b\n\r\t\\c", .n_name = 8},
    {"@\\x41\\xFF\n", ABSTRACT, "A\xff\n", .canonical = "@A\\xff\\n"},
    {"@a\\x00", ABSTRACT, "a", .n_name = 2},
    {"@gr\xc3\xbcn", ABSTRACT, "gr\xc3\xbcn", .uri = NULL},
    {"abns@name", ABSTRACT, "name", .is_padded = true},
    {"autobind:", ABSTRACT, "", .uri = NULL},
    {"dgram:autobind:", ABSTRACT, "", .type = SUNPATH_DGRAM},
    {"abns@name\\x00\\x00", ABSTRACT, "name", .canonical = "abns@name", .is_padded = true},
    {"unix:@name", ABSTRACT, "name", .canonical = "@name"},
    {"unix://@name", ABSTRACT, "name", .canonical = "@name"},
    {"unix/@name", ABSTRACT, "name", .canonical = "@name"},
    {"unix:abns@name", ABSTRACT, "name", .canonical = "abns@name", .is_padded = true},
    {"unix:@name:/uri", ABSTRACT, "name", .uri = "/uri"},
    {"unix:@a\\x3a/b:/uri", ABSTRACT, "a:/b", .uri = "/uri"},
    {"unix:abns@name:/uri", ABSTRACT, "name", .uri = "/uri", .is_padded = true},
    {"stream:/a", PATH, "/a", .type = SUNPATH_STREAM},
    {"seqpacket:/a", PATH, "/a", .type = SUNPATH_SEQPACKET},
    {"seqpacket:a", PATH, "./a", .canonical = "seqpacket:./a", .type = SUNPATH_SEQPACKET},
    {"stream:httpd.sock", PATH, "./httpd.sock", .canonical = "stream:./httpd.sock",
     .type = SUNPATH_STREAM},
    {"dgram:@a", ABSTRACT, "a", .type = SUNPATH_DGRAM},
    {"dgram:abns@a", ABSTRACT, "a", .type = SUNPATH_DGRAM, .is_padded = true},
    {"dgram:/a:/b", PATH, "/a:/b", .type = SUNPATH_DGRAM},
    {"fd:0", FD, "", .uri = NULL},
    {"fd:2147483647", FD, "", .number = 2147483647},
    {"fd:007", FD, "", .canonical = "fd:7", .number = 7},
    {"systemd:", SYSTEMD, "", .uri = NULL},
    {"systemd:web.socket", SYSTEMD, "web.socket", .uri = NULL},
    {"tcp:127.0.0.1:80", TCP, "127.0.0.1", .number = 80},
    {"tcp:localhost:0", TCP, "localhost", .uri = NULL},
    {"tcp:[::1]:65535", TCP, "::1", .number = 65535},
    {"tcp:[fe80::1%eth0]:80/a:/b?c", TCP, "fe80::1%eth0", .uri = "/a:/b?c", .number = 80},
    {"tcp:host:080/", TCP, "host", .canonical = "tcp:host:80/", .uri = "/", .number = 80},
};

static void parse(struct sunpath_address *ret, const char *text) {
    struct sunpath_error error = {0};
    int r = sunpath_address_parse(ret, text, &error);

    ck_assert_msg(r == 0, "'%s': %d %s", text, r, error.text);
}

static void same(const struct sunpath_address *a, const struct sunpath_address *b,
                 const char *text) {
    ck_assert_msg(a->kind == b->kind && a->type == b->type && a->is_typed == b->is_typed &&
                      a->is_padded == b->is_padded && a->number == b->number &&
                      a->n_name == b->n_name && memcmp(a->name, b->name, a->n_name + 1) == 0,
                  "'%s' is read back as another address", text);
    ck_assert_pstr_eq(a->uri, b->uri);
}

/* The canonical spelling names the same address and is the canonical spelling of what it names. */
static void round_trip(const struct sunpath_address *address, const char *canonical) {
    char text[3 * SUNPATH_NAME_MAX + 256], again[sizeof(text)];
    struct sunpath_address reread;
    size_t n = sunpath_address_format(text, sizeof(text), address);

    ck_assert_uint_lt(n, sizeof(text));
    ck_assert_uint_eq(n, strlen(text));
    if (canonical) {
        ck_assert_str_eq(text, canonical);
    }
    parse(&reread, text);
    same(address, &reread, text);
    ck_assert_uint_eq(sunpath_address_format(again, sizeof(again), &reread), n);
    ck_assert_str_eq(text, again);
}

START_TEST(every_spelling_is_read) {
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        const struct spelling *s = &spellings[i];
        size_t n_name = s->n_name ? s->n_name : strlen(s->name);
        struct sunpath_address address;

        parse(&address, s->text);
        ck_assert_msg(address.kind == s->kind, "'%s' is of kind %d", s->text, address.kind);
        ck_assert_msg(address.n_name == n_name && memcmp(address.name, s->name, n_name) == 0 &&
                          address.name[n_name] == '\0',
                      "'%s' has the name '%s'", s->text, address.name);
        ck_assert_pstr_eq(address.uri, s->uri);
        ck_assert_msg(!address.uri ||
                          address.uri + strlen(address.uri) == s->text + strlen(s->text),
                      "'%s': the target is not a part of the text", s->text);
        ck_assert_int_eq(address.number, s->number);
        ck_assert_int_eq(address.type, s->type ? s->type : SUNPATH_STREAM);
        ck_assert_int_eq(address.is_typed, s->type != 0);
        ck_assert_int_eq(address.is_padded, s->is_padded);
        round_trip(&address, s->canonical ? s->canonical : s->text);
    }
}
END_TEST

struct refusal {
    const char *text;
    const char *hint; /* a part of what is said */
};

static const struct refusal refusals[] = {
    {"", "cannot be empty"},
    {"app.sock", "write './app.sock' for a file in this directory or '@app.sock'"},
    {"run/app.sock", "write './run/app.sock'"},
    {"localhost:80", "for TCP write 'tcp:localhost:80'"},
    {":80", "for TCP write 'tcp:127.0.0.1:80'"},
    {"8080", "for TCP write 'tcp:127.0.0.1:8080', for a file './8080'"},
    {"65536", "write './65536'"},
    {"a:b", "write './a:b'"},
    {"unix", "write './unix'"},
    {"UNIX:/a", "write 'unix:/a'"},
    {"UNIX-CONNECT:/a", "write 'unix:/a'"},
    {"UNIX-SENDTO:/a", "write 'dgram:/a'"},
    {"ABSTRACT-LISTEN:x", "write '@x'"},
    {"TCP:h:1", "write 'tcp:h:1'"},
    {"http+unix:/a", "write 'unix:/a'"},
    {"unixpacket:/a", "write 'seqpacket:/a'"},
    {"unixgram:/a", "write 'dgram:/a'"},
    {"abstract:x", "write '@x'"},
    {"unix-abstract:x", "write '@x'"},
    {"vsock:1:2", "vsock is not supported"},
    {"~/a.sock", "write $HOME/app.sock"},
    {"unix:~/a.sock", "write $HOME/app.sock"},
    {"stream:~/a.sock", "write $HOME/app.sock"},
    {"unix//a|0222", "a mode is no part of an address"},
    {"unix//a|222", "a mode is no part of an address"},
    {"unix:/a:", "a target is missing"},
    {"unix:@a:", "a target is missing"},
    {"http://unix:/a:", "a target is missing"},
    {"file:///a", "write unix:///run/app.sock"},
    {"ws+unix:///a", "this scheme is not known"},
    {"http://localhost/", "for TCP write 'tcp:localhost:80/'"},
    {"http://localhost", "for TCP write 'tcp:localhost:80/'"},
    {"http://h:8080/a?b", "for TCP write 'tcp:h:8080/a?b'"},
    {"http://[::1]/", "for TCP write 'tcp:[::1]:80/'"},
    {"http://[::1]:8/", "for TCP write 'tcp:[::1]:8/'"},
    {"http://u@h/", "tcp:HOST:PORT/uri"},
    {"http://", "tcp:HOST:PORT/uri"},
    {"https://unix:/a:/", "unix:/run/app.sock:/uri"},
    {"http://unix:80/", "tcp:HOST:PORT/uri"}, /* a host called "unix" */
    {"http://unix:", "unix:/run/app.sock:/uri"},
    {"unix:", "the path is missing"},
    {"unix::/uri", "the path is missing"},
    {"unix://", "unix:///run/app.sock"},
    {"unix://run/app.sock", "an absolute path or @name"},
    {"unix:path=/run/dbus", "D-Bus's spelling"},
    {"unix:abstract=/tmp/x", "unix:@name"},
    {"unix:seqpacket:/a", "behind unix: comes a path or @name"},
    {"unix:fd:3", "behind unix: comes"},
    {"unix:unix:/a", "behind unix: comes"},
    {"unix:http://a", "behind unix: comes"},
    {"unix/run/app.sock", "is no address"},
    {"http+unix:///run/app.sock/uri", "the path is missing"},
    {"http+unix://run/app.sock", "written percent-encoded"},
    {"http+unix://%2Fa?x", "begins with /"},
    {"http+unix://%2Fa#x", "begins with /"},
    {"http+unix://%2Fa%0", "two hex digits"},
    {"http+unix://%2Fa%", "two hex digits"},
    {"http+unix://%2Fa%g0/", "two hex digits"},
    {"http+unix://%2Fa%00/", "not 00"},
    {"@", "the abstract name is empty"},
    {"abns@", "the abstract name is empty"},
    {"unix:@:/uri", "the abstract name is empty"},
    {"@a\\", "backslash"},
    {"@a\\q", "backslash"},
    {"@a\\x4", "backslash"},
    {"@a\\xg0", "backslash"},
    {"stream:", "the path is missing"},
    {"dgram:fd:3", "behind the type"},
    {"seqpacket:stream:/a", "behind the type"},
    {"stream:unix:/a", "behind the type"},
    {"stream:http://unix:/a", "behind the type"},
    {"stream:tcp:h:1", "behind the type"},
    {"fd:", "fd:3"},
    {"fd:-1", "fd:3"},
    {"fd: 3", "fd:3"},
    {"fd:3 ", "fd:3"},
    {"fd:2147483648", "fd:3"},
    {"systemd:a:b", "without a colon"},
    {"systemd:a\nb", "printable ASCII"},
    {"systemd:\xc3\xbc", "printable ASCII"},
    {"tcp:", "tcp:127.0.0.1:80"},
    {"tcp:80", "tcp:HOST:PORT"},
    {"tcp::80", "tcp:HOST:PORT"},
    {"tcp:h:", "a port is a number"},
    {"tcp:h:65536", "a port is a number"},
    {"tcp:h:http", "a port is a number"},
    {"tcp:h:80?a", "a port is a number"},
    {"tcp:::1:80", "tcp:[::1]:80"},
    {"tcp:[::1:80", "tcp:[::1]:80"},
    {"tcp:[::1]80", "tcp:[::1]:80"},
    {"tcp:[1:x]:80", "tcp:[::1]:80"},
    {"tcp:[fe80::1%]:80", "tcp:[::1]:80"},
    {"tcp:[h]:80", "tcp:[::1]:80"},
    {"tcp:u@h:80", "tcp:HOST:PORT"},
    {"tcp:h /a:80", "tcp:HOST:PORT"},
};

START_TEST(what_is_no_address_is_refused_with_a_hint) {
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct sunpath_address address = {.number = 77}, untouched = address;
        struct sunpath_error error = {0};
        int r = sunpath_address_parse(&address, refusals[i].text, &error);

        ck_assert_msg(r == -EINVAL, "'%s' gives %d", refusals[i].text, r);
        ck_assert_int_eq(error.code, r);
        ck_assert_int_eq(error.reason, SUNPATH_REASON_INVALID);
        ck_assert_str_eq(error.step, "parse");
        ck_assert_msg(strstr(error.text, refusals[i].hint), "'%s' is not in: %s", refusals[i].hint,
                      error.text);
        ck_assert_mem_eq(&address, &untouched, sizeof(address));
        ck_assert_int_eq(sunpath_address_parse(&address, refusals[i].text, NULL), r);
    }
}
END_TEST

START_TEST(no_text_is_refused) {
    struct sunpath_address address;
    struct sunpath_error error;

    ck_assert_int_eq(sunpath_address_parse(&address, NULL, &error), -EINVAL);
    ck_assert_int_eq(sunpath_address_parse(NULL, "/a", &error), -EINVAL);
}
END_TEST

START_TEST(what_is_said_is_escaped_and_fits) {
    struct sunpath_address address;
    struct sunpath_error error;
    char text[6000];

    ck_assert_int_eq(sunpath_address_parse(&address, "a\x1b[31m\nb\xff", &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "'./a\\x1b[31m\\nb\\xff'"));
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    ck_assert_int_eq(sunpath_address_parse(&address, text, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "put './' before a file in this directory"));
    memset(text, '\n', 61);
    text[61] = '\0';
    ck_assert_int_eq(sunpath_address_parse(&address, text, &error), -EINVAL);
    ck_assert_ptr_null(strchr(error.text, '\n'));
    ck_assert_ptr_nonnull(strstr(error.text, "an abstract name"));
}
END_TEST

static int parse_filled(struct sunpath_address *ret, const char *prefix, char fill, size_t n,
                        const char *suffix) {
    char text[6000];
    struct sunpath_error error = {0};
    size_t n_prefix = strlen(prefix);
    int r;

    memcpy(text, prefix, n_prefix);
    memset(text + n_prefix, fill, n);
    strcpy(text + n_prefix + n, suffix);
    r = sunpath_address_parse(ret, text, &error);
    if (r < 0) {
        ck_assert_int_eq(error.reason, SUNPATH_REASON_NAME_TOO_LONG);
    }
    ret->uri = NULL; /* it points into our text */
    return r;
}

START_TEST(lengths) {
    struct sunpath_address address;

    ck_assert_int_eq(parse_filled(&address, "/", 'p', 4094, ""), 0);
    round_trip(&address, NULL);
    ck_assert_int_eq(parse_filled(&address, "/", 'p', 4095, ""), -ENAMETOOLONG);
    ck_assert_int_eq(parse_filled(&address, "unix:", 'p', 4093, ""), 0);
    ck_assert_uint_eq(address.n_name, 4095);
    round_trip(&address, NULL);
    ck_assert_int_eq(parse_filled(&address, "unix:", 'p', 4094, ""), -ENAMETOOLONG);
    ck_assert_int_eq(parse_filled(&address, "http+unix://%2F", 'p', 4094, "/"), 0);
    ck_assert_int_eq(parse_filled(&address, "http+unix://%2F", 'p', 4095, "/"), -ENAMETOOLONG);
    ck_assert_int_eq(parse_filled(&address, "http+unix://", 'p', 5000, "/"), -ENAMETOOLONG);
    ck_assert_int_eq(parse_filled(&address, "@", 'a', 107, ""), 0);
    round_trip(&address, NULL);
    ck_assert_int_eq(parse_filled(&address, "@", 'a', 108, ""), -ENAMETOOLONG);
    ck_assert_int_eq(parse_filled(&address, "@", 'a', 106, "\\x00\\x00"), -ENAMETOOLONG);
    ck_assert_int_eq(parse_filled(&address, "abns@", 'a', 108, ""), -ENAMETOOLONG);
    ck_assert_int_eq(parse_filled(&address, "systemd:", 's', 255, ""), 0);
    ck_assert_int_eq(parse_filled(&address, "systemd:", 's', 256, ""), -ENAMETOOLONG);
}
END_TEST

/* 108 bytes on the wire can be spelled exact or padded: one form is kept of both. */
START_TEST(a_full_name_is_one_address) {
    struct sunpath_address exact, padded;

    ck_assert_int_eq(parse_filled(&exact, "@", 'a', 107, ""), 0);
    ck_assert_int_eq(parse_filled(&padded, "abns@", 'a', 107, ""), 0);
    ck_assert(!exact.is_padded);
    same(&exact, &padded, "107 bytes");
    ck_assert_int_eq(parse_filled(&exact, "@", 'a', 106, "\\x00"), 0);
    ck_assert_int_eq(parse_filled(&padded, "abns@", 'a', 106, ""), 0);
    ck_assert(exact.is_padded && exact.n_name == 106);
    same(&exact, &padded, "106 bytes and a NUL");
}
END_TEST

START_TEST(every_byte_makes_the_round_trip) {
    struct sunpath_address address;

    for (int byte = 0; byte < 256; byte++) {
        address = (struct sunpath_address){.kind = ABSTRACT, .type = SUNPATH_STREAM, .n_name = 3};
        address.name[0] = address.name[1] = (char)byte;
        address.name[2] = 'x';
        round_trip(&address, NULL);
        address.uri = "/u:/v";
        round_trip(&address, NULL);
        address.is_padded = true;
        round_trip(&address, NULL);
        address.uri = NULL;
        address.type = SUNPATH_DGRAM;
        address.is_typed = true;
        round_trip(&address, NULL);

        if (byte == 0) {
            continue;
        }
        address = (struct sunpath_address){.kind = PATH, .type = SUNPATH_STREAM, .n_name = 5};
        memcpy(address.name, (char[]){'/', (char)byte, '/', (char)byte, (char)byte}, 5);
        round_trip(&address, NULL);
        address.uri = "/u:/v";
        round_trip(&address, NULL);
    }
}
END_TEST

START_TEST(a_short_buffer_is_filled_and_ended) {
    struct sunpath_address address;
    char text[8];

    parse(&address, "unix:/a/b/c:/uri");
    memset(text, 'x', sizeof(text));
    ck_assert_uint_eq(sunpath_address_format(text, sizeof(text), &address), 16);
    ck_assert_str_eq(text, "unix:/a");
    ck_assert_uint_eq(sunpath_address_format(text, 1, &address), 16);
    ck_assert_str_eq(text, "");
    ck_assert_uint_eq(sunpath_address_format(NULL, 0, &address), 16);
}
END_TEST

START_TEST(a_name_longer_than_the_kernel_takes_is_not_read_over) {
    struct sunpath_address address = {
        .kind = ABSTRACT, .type = SUNPATH_STREAM, .n_name = SUNPATH_NAME_MAX};
    char text[1024];
    struct sockaddr_un un;

    ck_assert_uint_eq(sunpath_address_format(text, sizeof(text), &address), 1 + 107 * 4);
    ck_assert_int_eq(sunpath_address_to_sockaddr(&address, &un), -ENAMETOOLONG);
}
END_TEST

#define NAME_AT ((int)offsetof(struct sockaddr_un, sun_path))

static void there_and_back(const char *text, int length, const char *path, size_t n_path) {
    struct sunpath_address address, reread;
    struct sockaddr_un un;

    memset(&un, 'x', sizeof(un));
    parse(&address, text);
    ck_assert_int_eq(sunpath_address_to_sockaddr(&address, &un), length);
    ck_assert_int_eq(un.sun_family, AF_UNIX);
    ck_assert_mem_eq(un.sun_path, path, n_path);
    ck_assert_int_eq(sunpath_address_from_sockaddr(&reread, &un, (size_t)length, address.type), 0);
    same(&address, &reread, text);
}

START_TEST(sockaddr_both_ways) {
    char full[1 + 108] = "@", path[1 + 108] = "/", name[108] = {0};

    there_and_back("/run/a", NAME_AT + 7, "/run/a", 7);
    there_and_back("./a", NAME_AT + 4, "./a", 4);
    there_and_back("@a", NAME_AT + 2, "\0a", 2);
    there_and_back("@a\\x00", NAME_AT + 3, "\0a\0", 3);
    there_and_back("seqpacket:/a", NAME_AT + 3, "/a", 3);
    memcpy(name, "\0abc", 4);
    there_and_back("abns@abc", 110, name, 108);
    there_and_back("abns@\\x00", 110, (char[108]){0}, 108);
    memset(full + 1, 'f', 107);
    memset(name + 1, 'f', 107);
    there_and_back(full, 110, name, 108);
    memset(path + 1, 'p', 106);
    there_and_back(path, 110, path, 108);
}
END_TEST

START_TEST(what_no_sockaddr_can_hold) {
    struct sunpath_address address;
    struct sockaddr_un un;

    ck_assert_int_eq(parse_filled(&address, "/", 'p', 107, ""), 0);
    ck_assert_int_eq(sunpath_address_to_sockaddr(&address, &un), -ENAMETOOLONG);
    for (int i = 0; i < 3; i++) {
        parse(&address, ((const char *[]){"fd:3", "systemd:", "tcp:h:1"})[i]);
        ck_assert_int_eq(sunpath_address_to_sockaddr(&address, &un), -EAFNOSUPPORT);
    }
    address = (struct sunpath_address){.kind = PATH, .type = SUNPATH_STREAM};
    ck_assert_int_eq(sunpath_address_to_sockaddr(&address, &un), -EINVAL);
    memcpy(address.name, "/a\0b", 4);
    address.n_name = 4;
    ck_assert_int_eq(sunpath_address_to_sockaddr(&address, &un), -EINVAL);
}
END_TEST

/* Asks the kernel, not ourselves. */
static void check_kernel(int type, const void *name, size_t n_name, const char *spelling) {
    struct {
        struct sockaddr_un un;
        char more[8];
    } room = {.un = {.sun_family = AF_UNIX}};
    socklen_t length = sizeof(room);
    struct sunpath_address address;
    char text[600];
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    memcpy(room.un.sun_path, name, n_name);
    ck_assert_int_eq(bind(fd, (void *)&room, (socklen_t)(NAME_AT + n_name)), 0);
    ck_assert_int_eq(getsockname(fd, (void *)&room, &length), 0);
    ck_assert_int_eq(
        sunpath_address_from_sockaddr(&address, &room, length, (enum sunpath_type)type), 0);
    sunpath_address_format(text, sizeof(text), &address);
    ck_assert_str_eq(text, spelling);
    close(fd);
}

START_TEST(names_from_the_kernel) {
    char path[109] = "", spelling[120] = "./", padded[108] = "\0sunpath-test-padded";

    memset(path, 'k', 108);
    memset(spelling + 2, 'k', 108);
    check_kernel(SOCK_STREAM, "a", 1, "./a");   /* bound without a NUL */
    check_kernel(SOCK_STREAM, "./b", 4, "./b"); /* and with one */
    check_kernel(SOCK_SEQPACKET, "../../tmp/sunpath-test-address", 30,
                 "seqpacket:../../tmp/sunpath-test-address");
    ck_assert_int_eq(unlink("../../tmp/sunpath-test-address"), 0);
    check_kernel(SOCK_STREAM, path, 108, spelling); /* the kernel says 111 bytes */
    check_kernel(SOCK_DGRAM, "\0sunpath-test-exact\0", 20, "dgram:@sunpath-test-exact\\x00");
    check_kernel(SOCK_STREAM, padded, sizeof(padded), "abns@sunpath-test-padded");
    check_kernel(SOCK_STREAM, "", 1, "@"); /* the one name that cannot be spelled */
}
END_TEST

START_TEST(unnamed_and_broken_sockaddrs) {
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/a"};
    struct sunpath_address address = {.number = 77};

    ck_assert_int_eq(sunpath_address_from_sockaddr(&address, &un, 0, SUNPATH_STREAM), -ENODATA);
    ck_assert_int_eq(sunpath_address_from_sockaddr(&address, &un, 1, SUNPATH_STREAM), -EINVAL);
    ck_assert_int_eq(sunpath_address_from_sockaddr(&address, &un, 2, SUNPATH_STREAM), -ENODATA);
    ck_assert_int_eq(sunpath_address_from_sockaddr(&address, &un, 112, SUNPATH_STREAM), -EINVAL);
    un.sun_family = AF_INET;
    ck_assert_int_eq(sunpath_address_from_sockaddr(&address, &un, 16, SUNPATH_STREAM),
                     -EAFNOSUPPORT);
    ck_assert_int_eq(address.number, 77);
}
END_TEST

/* Exactly as many bytes as there are, so that the sanitizer sees one too many. */
START_TEST(no_byte_behind_the_end_is_read) {
    for (size_t n = 2; n < 8; n++) {
        struct sunpath_address address;
        char *bytes = malloc(n);

        memset(bytes, '.', n);
        *(sa_family_t *)(void *)bytes = AF_UNIX;
        ck_assert_int_eq(sunpath_address_from_sockaddr(&address, bytes, n, SUNPATH_STREAM),
                         n == 2 ? -ENODATA : 0);
        ck_assert_uint_eq(address.n_name, n == 2 ? address.n_name : n);
        free(bytes);
    }
}
END_TEST

SP_TESTS("address", every_spelling_is_read, what_is_no_address_is_refused_with_a_hint,
         no_text_is_refused, what_is_said_is_escaped_and_fits, lengths, a_full_name_is_one_address,
         every_byte_makes_the_round_trip, a_short_buffer_is_filled_and_ended,
         a_name_longer_than_the_kernel_takes_is_not_read_over, sockaddr_both_ways,
         what_no_sockaddr_can_hold, names_from_the_kernel, unnamed_and_broken_sockaddrs,
         no_byte_behind_the_end_is_read)

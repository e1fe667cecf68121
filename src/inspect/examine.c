/* SPDX-License-Identifier: MIT */
/* examine.c - would connecting work, and if not, why: servers, names and the words for them. */

#include "inspect/examine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "inspect/examine-parts.h"
#include "inspect/owners.h"

static void append(char *buffer, size_t n_buffer, const char *format, va_list args) {
    size_t used = strlen(buffer);

    vsnprintf(buffer + used, n_buffer - used, format, args);
}

void sp_verdict_set(struct sp_verdict *verdict, enum sunpath_reason reason, int code,
                    const char *format, ...) {
    va_list args;

    *verdict = (struct sp_verdict){.reason = reason, .code = code};
    va_start(args, format);
    append(verdict->text, sizeof(verdict->text), format, args);
    va_end(args);
}

void sp_verdict_add(struct sp_verdict *verdict, const char *format, ...) {
    va_list args;

    va_start(args, format);
    append(verdict->text, sizeof(verdict->text), format, args);
    va_end(args);
}

void sp_verdict_fix(struct sp_verdict *verdict, const char *format, ...) {
    va_list args;

    verdict->fix[0] = '\0';
    va_start(args, format);
    append(verdict->fix, sizeof(verdict->fix), format, args);
    va_end(args);
}

void sp_found(const struct sp_examination *examination, int grade, const char *subject,
              const char *format, ...) {
    char detail[sizeof(((struct sunpath_finding *)0)->detail)];
    va_list args;

    if (!examination->on_finding) {
        return;
    }
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    examination->on_finding(grade, subject, detail, examination->user);
}

const char *sp_type_name(int type) {
    return type == SOCK_STREAM      ? "stream"
           : type == SOCK_DGRAM     ? "datagram"
           : type == SOCK_SEQPACKET ? "seqpacket"
                                    : "unknown";
}

static const char *type_prefix(int type) {
    return type == SOCK_DGRAM ? "dgram:" : type == SOCK_SEQPACKET ? "seqpacket:" : "stream:";
}

static void judge_type(struct sp_verdict *verdict, const struct sp_examination *examination,
                       const struct sp_server *server) {
    struct sp_shown shown;
    struct sunpath_address plain = *examination->address;

    plain.is_typed = false;
    plain.uri = NULL;
    sp_verdict_set(verdict, SUNPATH_REASON_WRONG_TYPE, EPROTOTYPE, "it is a %s socket, not %s",
                   sp_type_name(server->diag.type), sp_type_name(examination->type));
    sp_verdict_fix(verdict, "connect to %s%s", type_prefix(server->diag.type),
                   sp_show_address(&shown, &plain));
    sp_found(examination, SUNPATH_FINDING_BAD, "type", "%s, asked for %s",
             sp_type_name(server->diag.type), sp_type_name(examination->type));
}

/* A stream or seqpacket server that has the right type. */
static void judge_listener(struct sp_verdict *verdict, const struct sp_examination *examination,
                           const struct sp_server *server, const char *holder) {
    const struct sp_diag_server *diag = &server->diag;

    if (diag->life == SP_DIAG_BOUND) {
        sp_verdict_set(verdict, SUNPATH_REASON_NOT_LISTENING, ECONNREFUSED,
                       "%s has bound it but does not listen", holder);
        sp_verdict_fix(verdict, "%s has to call listen(); if it has just started, try again",
                       holder);
        sp_found(examination, SUNPATH_FINDING_BAD, "listening", "no: %s has only bound it", holder);
    } else if (diag->is_shut) {
        sp_verdict_set(verdict, SUNPATH_REASON_SHUT_DOWN, ECONNREFUSED,
                       "%s has shut the listener down and takes no more connections", holder);
        sp_verdict_fix(verdict, "restart %s, or wait for its successor", holder);
        sp_found(examination, SUNPATH_FINDING_BAD, "listening", "no: %s has shut it down", holder);
    } else if (diag->n_waiting > diag->backlog) { /* the kernel admits one more than the limit */
        sp_verdict_set(verdict, SUNPATH_REASON_BACKLOG_FULL, EAGAIN,
                       "the backlog is full (%u of %u waiting), %s does not accept fast enough",
                       diag->n_waiting, diag->backlog, holder);
        sp_verdict_fix(verdict, "look at what %s is busy with, or give it a larger backlog",
                       holder);
        sp_found(examination, SUNPATH_FINDING_BAD, "listening", "%s, backlog %u/%u FULL", holder,
                 diag->n_waiting, diag->backlog);
    } else {
        sp_found(examination, SUNPATH_FINDING_OK, "listening", "%s, backlog %u/%u", holder,
                 diag->n_waiting, diag->backlog);
    }
}

static void judge_datagram(struct sp_verdict *verdict, const struct sp_examination *examination,
                           const struct sp_server *server, const char *holder) {
    if (server->diag.peer != 0) {
        sp_verdict_set(verdict, SUNPATH_REASON_PERMISSION, EPERM,
                       "%s has connected its socket and takes messages from that peer only",
                       holder);
        sp_found(examination, SUNPATH_FINDING_BAD, "receiving", "%s, from one peer only", holder);
    } else {
        sp_found(examination, SUNPATH_FINDING_OK, "receiving", "%s", holder);
    }
}

void sp_examine_server(struct sp_verdict *verdict, const struct sp_examination *examination,
                       const struct sp_server *server) {
    struct sp_holder_text holder = {.text = "its server"};

    if (examination->type && (int)examination->type != server->diag.type) {
        judge_type(verdict, examination, server);
        return;
    }
    sp_holder_of(&holder, server->diag.inode);
    if (server->diag.type == SOCK_DGRAM) {
        judge_datagram(verdict, examination, server, holder.text);
    } else {
        judge_listener(verdict, examination, server, holder.text);
    }
    if (server->is_other_netns) {
        sp_found(examination, SUNPATH_FINDING_NOTE, "network namespace",
                 "the server is in another one (%llu), which is no matter for a path",
                 (unsigned long long)server->netns);
    }
}

/* The same name, padded where it was not and the other way round: haproxy against the rest. */
static void hint_padding(struct sp_verdict *verdict, const struct sunpath_address *address) {
    struct sunpath_address other = *address;
    char name[SUNPATH_NAME_MAX + 1];
    struct sp_server server;
    struct sp_shown shown;
    size_t n;

    other.is_padded = !address->is_padded;
    other.uri = NULL;
    other.is_typed = false;
    n = sp_wire_name(name, &other);
    if (sp_server_of_abstract(&server, name, n) == 0 && server.diag.life != SP_DIAG_DEAD) {
        sp_verdict_add(verdict, ", but %s is there", sp_show_address(&shown, &other));
        sp_verdict_fix(verdict, "connect to %s", shown.text);
    }
}

static void judge_absent(struct sp_verdict *verdict, const struct sp_examination *examination,
                         const struct sp_server *server) {
    if (sp_is_blind(&server->blind)) {
        sp_verdict_set(
            verdict, SUNPATH_REASON_MISSING, ECONNREFUSED,
            "no process has that abstract name in this network namespace (not all others "
            "could be looked at)");
    } else {
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, ECONNREFUSED,
                       "no process has that abstract name");
    }
    sp_verdict_fix(verdict,
                   "start the server, or correct the name: it must be the same to the byte");
    sp_found(examination, SUNPATH_FINDING_BAD, "listening", "no process");
    hint_padding(verdict, examination->address);
}

int sp_examine_abstract(struct sp_verdict *verdict, const struct sp_examination *examination) {
    char name[SUNPATH_NAME_MAX + 1];
    size_t n = sp_wire_name(name, examination->address);
    struct sp_server server;
    struct sp_holder_text holder;
    int error;

    if (n > 107) {
        sp_verdict_set(verdict, SUNPATH_REASON_NAME_TOO_LONG, ENAMETOOLONG,
                       "an abstract name has at most 107 bytes, this one has %zu", n);
        return 0;
    }
    error = sp_server_of_abstract(&server, name, n);
    if (error < 0) {
        return error;
    }
    if (server.diag.life == SP_DIAG_DEAD) {
        judge_absent(verdict, examination, &server);
    } else if (server.is_other_netns) {
        sp_holder_of(&holder, server.diag.inode);
        sp_verdict_set(verdict, SUNPATH_REASON_OTHER_NETNS, ECONNREFUSED,
                       "%s has that abstract name in another network namespace (%llu), where it "
                       "cannot be reached from here",
                       holder.text, (unsigned long long)server.netns);
        sp_verdict_fix(verdict, "use a path, or run the client in the same network namespace");
        sp_found(examination, SUNPATH_FINDING_BAD, "listening", "%s, in network namespace %llu",
                 holder.text, (unsigned long long)server.netns);
    } else {
        sp_examine_server(verdict, examination, &server);
    }
    return 0;
}

int sp_examine(struct sp_verdict *ret, const struct sp_examination *examination) {
    struct sp_verdict verdict = {0};
    int error;

    error = examination->address->kind == SUNPATH_ADDRESS_ABSTRACT
                ? sp_examine_abstract(&verdict, examination)
                : sp_examine_path(&verdict, examination);
    if (error == 0) {
        *ret = verdict;
    }
    return error;
}

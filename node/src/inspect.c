/* SPDX-License-Identifier: MIT */
/* inspect.c - list() and doctor(): asked in another thread, answered with plain objects. */

#include <sunpath/inspect.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "addon.h"
#include "value.h"
#include "work.h"

/* The names are those of `sunpath ls --json` and `sunpath doctor --json`. */

static napi_value string_or_null(napi_env env, const char *text) {
    napi_value null = NULL;

    if (text) {
        return sn_string(env, text);
    }
    napi_get_null(env, &null);
    return null;
}

static napi_value number_or_null(napi_env env, int64_t number, bool is_there) {
    return is_there ? sn_int(env, number) : string_or_null(env, NULL);
}

/* Makes { error, result } of what a call came to, and tells it. */
static void tell(struct sn_work *work, int r, const char *syscall, const char *address,
                 const struct sunpath_error *error, napi_value result) {
    napi_env env = work->own->env;
    napi_value arguments[2] = {sn_undefined(env), result};

    if (r < 0) {
        arguments[0] = sn_make_error(env, r, syscall, address, error);
        arguments[1] = sn_undefined(env);
    }
    sn_work_tell(work, 2, arguments);
}

/* ---- list ------------------------------------------------------------------------------------ */

struct list_call {
    struct sn_work work;
    char **directories; /* ends with NULL */
    struct sunpath_socket_list *list;
    int r;
};

static const char *state_name(const struct sunpath_socket *socket) {
    static const char *const names[] = {"", "listening", "bound", "stale", "unknown"};

    return names[socket->state];
}

static const char *type_name(enum sunpath_type type) {
    return type == SUNPATH_STREAM      ? "stream"
           : type == SUNPATH_DGRAM     ? "dgram"
           : type == SUNPATH_SEQPACKET ? "seqpacket"
                                       : NULL;
}

static napi_value make_owners(napi_env env, const struct sunpath_socket *socket) {
    napi_value array = NULL;

    napi_create_array_with_length(env, socket->n_owners, &array);
    for (size_t i = 0; i < socket->n_owners; i++) {
        const struct sunpath_owner *owner = &socket->owners[i];
        napi_value object = sn_object(env);

        sn_set(env, object, "pid", sn_int(env, owner->pid));
        sn_set(env, object, "fd", sn_int(env, owner->fd));
        sn_set(env, object, "uid", sn_int(env, owner->uid));
        sn_set(env, object, "name", sn_string(env, owner->name));
        napi_set_element(env, array, (uint32_t)i, object);
    }
    return array;
}

static void set_file(napi_env env, napi_value object, const struct sunpath_socket *socket) {
    char mode[8];

    snprintf(mode, sizeof(mode), "%04o", (unsigned)socket->mode & 07777U);
    sn_set(env, object, "mode", string_or_null(env, socket->has_file ? mode : NULL));
    sn_set(env, object, "uid", number_or_null(env, socket->file_uid, socket->has_file));
    sn_set(env, object, "gid", number_or_null(env, socket->file_gid, socket->has_file));
}

static napi_value make_socket(napi_env env, const struct sunpath_socket *socket) {
    char text[4 * SUNPATH_NAME_MAX + 64];
    struct sunpath_address plain = socket->address;
    napi_value object = sn_object(env);

    plain.is_typed = false;
    sunpath_address_format(text, sizeof(text), &plain);
    sn_set(env, object, "socket", sn_string(env, text));
    sn_set(env, object, "state", sn_string(env, state_name(socket)));
    sn_set(env, object, "type", string_or_null(env, type_name(socket->type)));
    set_file(env, object, socket);
    sn_set(env, object, "owners", make_owners(env, socket));
    sn_set(env, object, "connections", sn_int(env, (int64_t)socket->n_connections));
    sn_set(env, object, "waiting", sn_int(env, socket->n_waiting));
    sn_set(env, object, "backlog", sn_int(env, socket->backlog));
    sn_set(env, object, "shut", sn_bool(env, socket->is_shut));
    sn_set(env, object, "deleted", sn_bool(env, socket->is_deleted));
    sn_set(env, object, "bound_name", string_or_null(env, socket->bound_name));
    sn_set(env, object, "inode", sn_int(env, (int64_t)socket->inode));
    sn_set(env, object, "netns", sn_int(env, (int64_t)socket->netns));
    sn_set(env, object, "other_netns", sn_bool(env, socket->is_other_netns));
    return object;
}

/* { sockets: [...], hidden: { processes, namespaces } } */
static napi_value make_list(napi_env env, const struct sunpath_socket_list *list) {
    const struct sunpath_blind_spots *blind = sunpath_socket_list_blind_spots(list);
    napi_value array = NULL, hidden = sn_object(env), made = sn_object(env);
    size_t n = sunpath_socket_list_count(list);

    napi_create_array_with_length(env, n, &array);
    for (size_t i = 0; i < n; i++) {
        napi_handle_scope scope;

        if (napi_open_handle_scope(env, &scope) != napi_ok) {
            break;
        }
        napi_set_element(env, array, (uint32_t)i,
                         make_socket(env, sunpath_socket_list_at(list, i)));
        napi_close_handle_scope(env, scope);
    }
    sn_set(env, hidden, "processes", sn_int(env, (int64_t)blind->n_processes));
    sn_set(env, hidden, "namespaces", sn_int(env, (int64_t)blind->n_namespaces));
    sn_set(env, made, "sockets", array);
    sn_set(env, made, "hidden", hidden);
    return made;
}

static void free_directories(struct list_call *call) {
    for (size_t i = 0; call->directories && call->directories[i]; i++) {
        free(call->directories[i]);
    }
    free(call->directories);
    call->directories = NULL;
}

static void run_list(struct sn_work *work) {
    struct list_call *call = (struct list_call *)work;

    call->r = sunpath_socket_list_take(&call->list, (const char *const *)call->directories);
}

static void finish_list(struct sn_work *work, bool is_ending) {
    struct list_call *call = (struct list_call *)work;
    napi_env env = work->own->env;

    if (!is_ending) {
        tell(work, call->r, "sock_diag", NULL, NULL,
             call->r < 0 ? sn_undefined(env) : make_list(env, call->list));
    }
    sunpath_socket_list_free(call->list);
    free_directories(call);
}

static bool read_directories(struct list_call *call, napi_env env, napi_value array) {
    napi_value item;
    uint32_t n = 0;

    if (napi_get_array_length(env, array, &n) != napi_ok) {
        return sn_fail_type(env, "directories", "an array of strings");
    }
    call->directories = calloc((size_t)n + 1, sizeof(*call->directories));
    if (!call->directories) {
        sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (napi_get_element(env, array, i, &item) != napi_ok ||
            !sn_get_string(env, item, "directories", &call->directories[i])) {
            return false;
        }
    }
    return true;
}

/* list(directories, callback(error, { sockets, hidden })) */
napi_value sn_list(napi_env env, napi_callback_info info) {
    struct list_call *call = calloc(1, sizeof(*call));
    struct sn_args args;

    sn_args_read(&args, env, info);
    if (!call) {
        return sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
    }
    call->work.run = run_list;
    call->work.finish = finish_list;
    if (!read_directories(call, env, args.v[0]) ||
        !sn_work_start(&call->work, env, args.v[1], args.v[1])) {
        free_directories(call);
        free(call);
    }
    return NULL;
}

/* ---- doctor ---------------------------------------------------------------------------------- */

struct doctor_call {
    struct sn_work work;
    char *address, *user;
    struct sunpath_doctor_options options;
    struct sunpath_diagnosis *diagnosis;
    struct sunpath_error error;
    int r;
};

static const char *grade_name(int grade) {
    return grade == SUNPATH_FINDING_OK     ? "ok"
           : grade == SUNPATH_FINDING_BAD  ? "bad"
           : grade == SUNPATH_FINDING_NOTE ? "note"
                                           : "unknown";
}

static napi_value make_findings(napi_env env, const struct sunpath_diagnosis *diagnosis) {
    size_t n = sunpath_diagnosis_n_findings(diagnosis);
    napi_value array = NULL;

    napi_create_array_with_length(env, n, &array);
    for (size_t i = 0; i < n; i++) {
        const struct sunpath_finding *finding = sunpath_diagnosis_finding(diagnosis, i);
        napi_value object = sn_object(env);

        sn_set(env, object, "grade", sn_string(env, grade_name(finding->grade)));
        sn_set(env, object, "subject", sn_string(env, finding->subject));
        sn_set(env, object, "detail", sn_string(env, finding->detail));
        napi_set_element(env, array, (uint32_t)i, object);
    }
    return array;
}

static napi_value make_diagnosis(napi_env env, const struct doctor_call *call) {
    const struct sunpath_diagnosis *diagnosis = call->diagnosis;
    int code = sunpath_diagnosis_errno(diagnosis);
    napi_value made = sn_object(env);
    char buffer[32];

    sn_set(env, made, "address", sn_string(env, call->address));
    sn_set(env, made, "user", string_or_null(env, call->user));
    sn_set(env, made, "reason",
           sn_string(env, sunpath_reason_name(sunpath_diagnosis_reason(diagnosis))));
    sn_set(env, made, "errno", string_or_null(env, code ? sn_errno_name(-code, buffer) : NULL));
    sn_set(env, made, "verdict", sn_string(env, sunpath_diagnosis_verdict(diagnosis)));
    sn_set(env, made, "fix", sn_string(env, sunpath_diagnosis_fix(diagnosis)));
    sn_set(env, made, "findings", make_findings(env, diagnosis));
    return made;
}

static void run_doctor(struct sn_work *work) {
    struct doctor_call *call = (struct doctor_call *)work;

    call->r = sunpath_doctor(&call->diagnosis, call->address, &call->options, &call->error);
}

static void free_strings(struct doctor_call *call) {
    free(call->address);
    free(call->user);
}

static void finish_doctor(struct sn_work *work, bool is_ending) {
    struct doctor_call *call = (struct doctor_call *)work;
    napi_env env = work->own->env;

    if (!is_ending) {
        tell(work, call->r, "doctor", call->address, &call->error,
             call->r < 0 ? sn_undefined(env) : make_diagnosis(env, call));
    }
    sunpath_diagnosis_free(call->diagnosis);
    free_strings(call);
}

/* doctor(address, { user, type: 0 | 1 | 2 | 5 }, callback(error, diagnosis)) */
napi_value sn_doctor(napi_env env, napi_callback_info info) {
    struct doctor_call *call = calloc(1, sizeof(*call));
    struct sn_args args;
    int64_t type = 0;

    sn_args_read(&args, env, info);
    if (!call) {
        return sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
    }
    call->work.run = run_doctor;
    call->work.finish = finish_doctor;
    call->options = SUNPATH_OPTIONS(struct sunpath_doctor_options);
    if (!sn_get_string(env, args.v[0], "address", &call->address) ||
        !sn_option_string(env, args.v[1], "user", &call->user) ||
        !sn_option_int(env, args.v[1], "type", 0, SUNPATH_SEQPACKET, &type)) {
        free_strings(call);
        free(call);
        return NULL;
    }
    call->options.user = call->user;
    call->options.type = (enum sunpath_type)type;
    if (!sn_work_start(&call->work, env, args.v[2], args.v[2])) {
        free_strings(call);
        free(call);
    }
    return NULL;
}

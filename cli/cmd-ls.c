/* SPDX-License-Identifier: MIT */
/* cmd-ls.c - list the Unix sockets of this machine, who serves them and how they fare. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sunpath/inspect.h>

#include "cli.h"
#include "output.h"

enum {
    OPTION_JSON = 1,
    OPTION_ALL,
    OPTION_STALE
};

static const struct option longs[] = {
    {"json", no_argument, NULL, OPTION_JSON},
    {"all", no_argument, NULL, OPTION_ALL},
    {"stale", no_argument, NULL, OPTION_STALE},
    {NULL, 0, NULL, 0},
};

/* What is asked for. */
struct request {
    bool is_json, wants_all, wants_stale_only;
    char **targets; /* absolute where they exist; ends with NULL */
    size_t n_targets;
    bool *was_met; /* for each target */
};

static bool is_left_over(const struct sunpath_socket *socket) {
    return socket->state == SUNPATH_SOCKET_STALE || socket->state == SUNPATH_SOCKET_UNKNOWN;
}

static bool is_full(const struct sunpath_socket *socket) {
    return socket->state == SUNPATH_SOCKET_LISTENING && socket->n_waiting > socket->backlog;
}

static const char *state_name(const struct sunpath_socket *socket) {
    return socket->state == SUNPATH_SOCKET_LISTENING ? "listening"
           : socket->state == SUNPATH_SOCKET_BOUND   ? "bound"
           : socket->state == SUNPATH_SOCKET_STALE   ? "stale"
                                                     : "unknown";
}

static const char *type_name(const struct sunpath_socket *socket) {
    return is_left_over(socket)                ? "-"
           : socket->type == SUNPATH_STREAM    ? "stream"
           : socket->type == SUNPATH_DGRAM     ? "dgram"
           : socket->type == SUNPATH_SEQPACKET ? "seqpacket"
                                               : "-";
}

/* "@1a2b3": the kernel's own choice (autobind, unix(7)), a reply address nobody connects to. */
static bool is_automatic(const struct sunpath_socket *socket) {
    const struct sunpath_address *address = &socket->address;

    return socket->state == SUNPATH_SOCKET_BOUND && address->kind == SUNPATH_ADDRESS_ABSTRACT &&
           address->n_name == 5 && strspn(address->name, "0123456789abcdef") == 5;
}

/* The canonical spelling without its type, escaped: "/run/a.sock", "@name". */
static const char *show_address(struct cli_shown *shown, const struct sunpath_socket *socket) {
    struct sunpath_address plain = socket->address;
    char text[4 * SUNPATH_NAME_MAX + 64];
    size_t n;

    if (plain.kind == SUNPATH_ADDRESS_PATH) {
        return cli_show_bytes(shown, plain.name, plain.n_name);
    }
    plain.is_typed = false;
    n = sunpath_address_format(text, sizeof(text), &plain); /* escapes what must be */
    snprintf(shown->text, sizeof(shown->text), "%.*s", (int)(n < 1000 ? n : 1000), text);
    return shown->text;
}

/* Does a target mean this socket: its path, a directory above, its name, or a part of it? */
static bool is_meant(const char *target, const struct sunpath_socket *socket) {
    const struct sunpath_address *address = &socket->address;
    size_t n = strlen(target);

    if (target[0] == '/') {
        return address->kind == SUNPATH_ADDRESS_PATH && strncmp(address->name, target, n) == 0 &&
               (address->name[n] == '\0' || address->name[n] == '/' || target[n - 1] == '/');
    }
    if (target[0] == '@') {
        return address->kind == SUNPATH_ADDRESS_ABSTRACT && address->n_name == n - 1 &&
               memcmp(address->name, target + 1, n - 1) == 0;
    }
    return memmem(address->name, address->n_name, target, n) != NULL;
}

static bool is_wanted(struct request *request, const struct sunpath_socket *socket) {
    bool is_met = request->n_targets == 0;

    for (size_t i = 0; i < request->n_targets; i++) {
        if (is_meant(request->targets[i], socket)) {
            request->was_met[i] = is_met = true;
        }
    }
    if (!is_met || (request->wants_stale_only && !is_left_over(socket))) {
        return false;
    }
    return request->wants_all || request->n_targets > 0 || !is_automatic(socket);
}

static void add_note(char *notes, size_t n_notes, const char *text, const char *name) {
    size_t used = strlen(notes);

    snprintf(notes + used, n_notes - used, "%s%s%s", used > 0 ? ", " : "", text, name);
}

static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Is it the name, in the same directory, under which careful servers make what they publish? */
static bool is_private_name(const char *bound, const char *path) {
    const char *name = last_name(path), *own = last_name(bound);
    size_t size = strlen(name), n_directory = (size_t)(own - bound);
    bool is_there = bound[0] != '/' || /* relative to its directory, or to a descriptor of it */
                    strncmp(bound, "/proc/self/fd/", 14) == 0 ||
                    (n_directory == (size_t)(name - path) && !memcmp(bound, path, n_directory));

    return is_there && own[0] == '.' && strncmp(own + 1, name, size) == 0 &&
           strcmp(own + 1 + size, ".new") == 0;
}

static enum cli_style make_notes(char *notes, size_t n_notes, const struct sunpath_socket *socket) {
    enum cli_style style = CLI_DIM;
    struct cli_shown shown;

    notes[0] = '\0';
    if (socket->state == SUNPATH_SOCKET_STALE) {
        add_note(notes, n_notes, "stale", "");
        style = CLI_BAD;
    } else if (socket->state == SUNPATH_SOCKET_UNKNOWN) {
        add_note(notes, n_notes, "stale, or served from a namespace that may not be entered", "");
        style = CLI_WARN;
    }
    if (socket->is_deleted) {
        add_note(notes, n_notes, "unreachable: file removed", "");
        style = CLI_BAD;
    }
    if (socket->is_shut) {
        add_note(notes, n_notes, "shut down", "");
        style = CLI_BAD;
    }
    if (is_full(socket)) {
        add_note(notes, n_notes, "FULL", "");
        style = CLI_BAD;
    }
    if (socket->state == SUNPATH_SOCKET_BOUND && socket->type != SUNPATH_DGRAM) {
        add_note(notes, n_notes, "not listening", "");
        style = CLI_WARN;
    }
    if (socket->is_other_netns) {
        add_note(notes, n_notes, "other netns", "");
    }
    if (socket->bound_name && !is_private_name(socket->bound_name, socket->address.name)) {
        add_note(notes, n_notes, "bound as ", cli_show(&shown, socket->bound_name));
    }
    return style;
}

static void add_server(struct cli_table *table, const struct sunpath_socket *socket) {
    struct cli_shown shown;
    const struct sunpath_owner *owner = socket->owners;

    if (socket->n_owners == 0) {
        cli_table_cell(table, CLI_DIM, "-");
    } else if (socket->n_owners == 1) {
        cli_table_cell(table, CLI_PLAIN, "%s[%d]", cli_show(&shown, owner->name), (int)owner->pid);
    } else {
        cli_table_cell(table, CLI_PLAIN, "%s[%d] +%zu", cli_show(&shown, owner->name),
                       (int)owner->pid, socket->n_owners - 1);
    }
}

/* Who may connect: the file says it, or nobody does. */
static void add_rights(struct cli_table *table, const struct sunpath_socket *socket) {
    if (!socket->has_file) {
        cli_table_cell(table, CLI_DIM, "-");
        cli_table_cell(table, CLI_DIM, "-");
    } else {
        cli_table_cell(table, CLI_PLAIN, "%04o", (unsigned)socket->mode);
        cli_table_cell(table, CLI_PLAIN, "%s:%s", cli_user_name(socket->file_uid),
                       cli_group_name(socket->file_gid));
    }
}

static void add_row(struct cli_table *table, const struct sunpath_socket *socket) {
    struct cli_shown shown;
    char notes[1200];
    enum cli_style style;

    cli_table_cell(table, is_left_over(socket) ? CLI_DIM : CLI_PLAIN, "%s",
                   show_address(&shown, socket));
    cli_table_cell(table, CLI_PLAIN, "%s", type_name(socket));
    add_rights(table, socket);
    add_server(table, socket);
    if (socket->state == SUNPATH_SOCKET_LISTENING) {
        cli_table_cell(table, CLI_PLAIN, "%zu", socket->n_connections);
        cli_table_cell(table, is_full(socket) ? CLI_BAD : CLI_PLAIN, "%u/%u", socket->n_waiting,
                       socket->backlog);
    } else {
        cli_table_cell(table, CLI_DIM, "-");
        cli_table_cell(table, CLI_DIM, "-");
    }
    style = make_notes(notes, sizeof(notes), socket);
    cli_table_cell(table, style, "%s", notes);
}

static void json_file(struct cli_json *json, const struct sunpath_socket *socket) {
    char mode[8];

    if (socket->has_file) {
        snprintf(mode, sizeof(mode), "%04o", (unsigned)socket->mode);
        cli_json_string(json, "mode", mode);
        cli_json_number(json, "uid", socket->file_uid);
        cli_json_number(json, "gid", socket->file_gid);
    } else {
        cli_json_null(json, "mode");
        cli_json_null(json, "uid");
        cli_json_null(json, "gid");
    }
}

static void json_owners(struct cli_json *json, const struct sunpath_socket *socket) {
    cli_json_array(json, "owners");
    for (size_t i = 0; i < socket->n_owners; i++) {
        const struct sunpath_owner *owner = &socket->owners[i];

        cli_json_object(json, NULL);
        cli_json_number(json, "pid", owner->pid);
        cli_json_number(json, "fd", owner->fd);
        cli_json_number(json, "uid", owner->uid);
        cli_json_string(json, "name", owner->name);
        cli_json_close(json);
    }
    cli_json_close(json);
}

static void print_json(const struct sunpath_socket *socket) {
    char text[4 * SUNPATH_NAME_MAX + 64];
    struct sunpath_address plain = socket->address;
    struct cli_json json;

    plain.is_typed = false;
    sunpath_address_format(text, sizeof(text), &plain);
    cli_json_begin(&json, stdout);
    cli_json_string(&json, "socket", text);
    cli_json_string(&json, "state", state_name(socket));
    cli_json_string(&json, "type", is_left_over(socket) ? NULL : type_name(socket));
    json_file(&json, socket);
    json_owners(&json, socket);
    cli_json_number(&json, "connections", (int64_t)socket->n_connections);
    cli_json_number(&json, "waiting", socket->n_waiting);
    cli_json_number(&json, "backlog", socket->backlog);
    cli_json_bool(&json, "shut", socket->is_shut);
    cli_json_bool(&json, "deleted", socket->is_deleted);
    cli_json_string(&json, "bound_name", socket->bound_name);
    cli_json_number(&json, "inode", (int64_t)socket->inode);
    cli_json_number(&json, "netns", (int64_t)socket->netns);
    cli_json_bool(&json, "other_netns", socket->is_other_netns);
    cli_json_end(&json);
}

/* How many rows were printed. */
static size_t print_list(const struct sunpath_socket_list *list, struct request *request) {
    static const struct cli_column columns[] = {{"SOCKET", CLI_SHRINKS}, {"TYPE", CLI_LEFT},
                                                {"MODE", CLI_LEFT},      {"OWNER", CLI_LEFT},
                                                {"SERVER", CLI_LEFT},    {"CONNS", CLI_RIGHT},
                                                {"QUEUE", CLI_RIGHT},    {"STATE", CLI_SHRINKS}};
    struct cli_table *table =
        request->is_json ? NULL : cli_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    size_t n = 0;

    for (size_t i = 0; i < sunpath_socket_list_count(list); i++) {
        const struct sunpath_socket *socket = sunpath_socket_list_at(list, i);

        if (!is_wanted(request, socket)) {
            continue;
        }
        n++;
        if (table) {
            add_row(table, socket);
        } else {
            print_json(socket);
        }
    }
    if (table) {
        cli_table_print(table);
    }
    return n;
}

static void print_blind_spots(const struct sunpath_socket_list *list) {
    const struct sunpath_blind_spots *blind = sunpath_socket_list_blind_spots(list);

    if (blind->n_processes > 0) {
        cli_say("%zu %s may not be looked into: servers can be missing from the SERVER column",
                blind->n_processes, blind->n_processes == 1 ? "process" : "processes");
    }
    if (blind->n_namespaces > 0) {
        cli_say("%zu network %s may not be entered: their sockets are not shown",
                blind->n_namespaces, blind->n_namespaces == 1 ? "namespace" : "namespaces");
    }
}

static int say_unmet(const struct request *request) {
    struct cli_shown shown;
    int status = CLI_OK;

    for (size_t i = 0; i < request->n_targets; i++) {
        struct stat st;
        bool is_directory = stat(request->targets[i], &st) == 0 && S_ISDIR(st.st_mode);

        if (!request->was_met[i] && !is_directory) {
            cli_say("no socket '%s'", cli_show(&shown, request->targets[i]));
            status = CLI_ABSENT;
        }
    }
    return status;
}

/* Targets that exist become absolute, and the places to look for stale files. */
static int read_targets(struct request *request, int n, char **targets) {
    request->targets = calloc((size_t)n + 1, sizeof(*request->targets));
    request->was_met = calloc((size_t)n + 1, sizeof(*request->was_met));
    if (!request->targets || !request->was_met) {
        return -ENOMEM;
    }
    for (int i = 0; i < n; i++) {
        char *real = targets[i][0] == '@' ? NULL : realpath(targets[i], NULL);

        request->targets[i] = real ? real : strdup(targets[i]);
        if (!request->targets[i]) {
            return -ENOMEM;
        }
        request->n_targets++;
    }
    return 0;
}

static char *directory_to_search(const char *target) {
    struct stat st;
    char *slash, *directory;

    if (target[0] != '/' || !(directory = strdup(target))) {
        return NULL;
    }
    slash = strrchr(directory, '/');
    if ((stat(target, &st) < 0 || !S_ISDIR(st.st_mode)) && slash != directory) {
        *slash = '\0';
    }
    return directory;
}

static int list_sockets(struct request *request) {
    const char **directories = calloc(request->n_targets + 1, sizeof(*directories));
    struct sunpath_socket_list *list;
    size_t n = 0;
    int error, status;

    if (!directories) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < request->n_targets; i++) {
        char *directory = directory_to_search(request->targets[i]);

        if (directory) {
            directories[n++] = directory;
        }
    }
    error = sunpath_socket_list_take(&list, directories);
    for (size_t i = 0; i < n; i++) {
        free((void *)directories[i]);
    }
    free(directories);
    if (error < 0) {
        return error;
    }

    print_list(list, request);
    fflush(stdout);
    print_blind_spots(list);
    status = say_unmet(request);
    sunpath_socket_list_free(list);
    return status;
}

static void free_targets(struct request *request) {
    for (size_t i = 0; i < request->n_targets; i++) {
        free(request->targets[i]);
    }
    free(request->targets);
    free(request->was_met);
}

int cmd_ls(int argc, char **argv) {
    struct request request = {0};
    int option, status;

    while ((option = cli_option(argc, argv, "", longs)) != -1) {
        switch (option) {
        case OPTION_JSON:
            request.is_json = true;
            break;
        case OPTION_ALL:
            request.wants_all = true;
            break;
        case OPTION_STALE:
            request.wants_stale_only = true;
            break;
        default:
            return CLI_USAGE;
        }
    }
    status = read_targets(&request, argc - optind, argv + optind);
    if (status == 0) {
        status = list_sockets(&request);
    }
    free_targets(&request);
    if (status < 0) {
        cli_say("the sockets could not be listed: %s", strerror(-status));
        return status == -EACCES ? CLI_DENIED : CLI_FAILED;
    }
    return status;
}

/* SPDX-License-Identifier: MIT */
/* http-options.c - the command line of `sunpath http`, which curl's users know. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cli.h"
#include "http-job.h"
#include "output.h"

#define MAX_REDIRECTS 50 /* as curl */
#define MAX_RESUMES   10

enum {
    OPTION_EXPECT_USER = 1,
    OPTION_WAIT,
    OPTION_JSON,
    OPTION_DATA_RAW,
    OPTION_DATA_URLENCODE,
    OPTION_FORM_STRING,
    OPTION_COMPRESSED,
    OPTION_SSE,
    OPTION_RESUME,
    OPTION_MAX_REDIRS,
    OPTION_BEARER,
    OPTION_FAIL_WITH_BODY,
    OPTION_CONNECT_TIMEOUT,
    OPTION_FIRST_BYTE_TIMEOUT,
    OPTION_IDLE_TIMEOUT,
    OPTION_UNIX_SOCKET
};

/* What only curl has: who writes it is told what to write instead. */
/* clang-format off */
#define ONLY_CURL(name, argument, option) {name, argument, NULL, option}
/* clang-format on */

static const struct option longs[] = {
    {"data", required_argument, NULL, 'd'},
    {"data-binary", required_argument, NULL, 'd'},
    {"data-raw", required_argument, NULL, OPTION_DATA_RAW},
    {"data-urlencode", required_argument, NULL, OPTION_DATA_URLENCODE},
    {"json", required_argument, NULL, OPTION_JSON},
    {"get", no_argument, NULL, 'G'},
    {"form", required_argument, NULL, 'F'},
    {"form-string", required_argument, NULL, OPTION_FORM_STRING},
    {"upload", required_argument, NULL, 'T'},
    {"upload-file", required_argument, NULL, 'T'},
    {"header", required_argument, NULL, 'H'},
    {"user-agent", required_argument, NULL, 'A'},
    {"user", required_argument, NULL, 'u'},
    {"oauth2-bearer", required_argument, NULL, OPTION_BEARER},
    {"cookie", required_argument, NULL, 'b'},
    {"cookie-jar", required_argument, NULL, 'c'},
    {"request", required_argument, NULL, 'X'},
    {"output", required_argument, NULL, 'o'},
    {"include", no_argument, NULL, 'i'},
    {"head", no_argument, NULL, 'I'},
    {"location", no_argument, NULL, 'L'},
    {"max-redirs", required_argument, NULL, OPTION_MAX_REDIRS},
    {"compressed", no_argument, NULL, OPTION_COMPRESSED},
    {"range", required_argument, NULL, 'r'},
    {"continue-at", required_argument, NULL, 'C'},
    {"resume", no_argument, NULL, OPTION_RESUME},
    {"sse", no_argument, NULL, OPTION_SSE},
    {"verbose", no_argument, NULL, 'v'},
    {"fail", no_argument, NULL, 'f'},
    {"fail-with-body", no_argument, NULL, OPTION_FAIL_WITH_BODY},
    {"max-time", required_argument, NULL, 'm'},
    {"connect-timeout", required_argument, NULL, OPTION_CONNECT_TIMEOUT},
    {"first-byte-timeout", required_argument, NULL, OPTION_FIRST_BYTE_TIMEOUT},
    {"idle-timeout", required_argument, NULL, OPTION_IDLE_TIMEOUT},
    {"silent", no_argument, NULL, 's'},
    {"show-error", no_argument, NULL, 'S'},
    {"expect-user", required_argument, NULL, OPTION_EXPECT_USER},
    {"wait", optional_argument, NULL, OPTION_WAIT},
    ONLY_CURL("unix-socket", required_argument, OPTION_UNIX_SOCKET),
    ONLY_CURL("abstract-unix-socket", required_argument, OPTION_UNIX_SOCKET),
    ONLY_CURL("no-buffer", no_argument, 'N'),
    {NULL, 0, NULL, 0},
};

static int read_duration(int *ret_ms, const char *option) {
    if (!cli_parse_duration_ms(ret_ms, optarg) || *ret_ms == 0) {
        return cli_usage("http", "%s %s: not a duration such as 1.5 or 300ms", option,
                         cli_show(&(struct cli_shown){0}, optarg));
    }
    return CLI_OK;
}

/* ---- options by subject; each returns -1 for those of the others ------------------------------
 */

static int read_time(struct http_job *job, int option) {
    switch (option) {
    case 'm':
        job->has_max_time = true;
        return read_duration(&job->max_ms, "--max-time");
    case OPTION_CONNECT_TIMEOUT:
        return read_duration(&job->connect.timeout_ms, "--connect-timeout");
    case OPTION_FIRST_BYTE_TIMEOUT:
        return read_duration(&job->first_byte_ms, "--first-byte-timeout");
    case OPTION_IDLE_TIMEOUT:
        return read_duration(&job->idle_ms, "--idle-timeout");
    case OPTION_WAIT:
        job->connect.wait = true;
        job->connect.timeout_ms = -1;
        return optarg ? read_duration(&job->connect.timeout_ms, "--wait") : CLI_OK;
    default:
        return -1;
    }
}

static int read_body(struct http_job *job, int option) {
    switch (option) {
    case OPTION_JSON:
        job->is_json = true;
        return http_add_data(job, optarg, false);
    case 'd':
        job->has_data = true;
        return http_add_data(job, optarg, false);
    case OPTION_DATA_RAW:
        job->has_data = true;
        return http_add_data(job, optarg, true);
    case OPTION_DATA_URLENCODE:
        job->has_data = true;
        return http_add_encoded_data(job, optarg);
    case 'F':
        return http_add_form(job, optarg, false);
    case OPTION_FORM_STRING:
        return http_add_form(job, optarg, true);
    case 'T':
        job->upload = optarg;
        return CLI_OK;
    case 'G':
        job->is_get = true;
        return CLI_OK;
    default:
        return -1;
    }
}

static int read_header(struct http_job *job, int option) {
    switch (option) {
    case 'H':
        return http_add_header_line(job, optarg);
    case 'A':
        return http_set_header(job, HTTP_USER_AGENT, "%s", optarg);
    case 'u':
        return http_set_credentials(job, optarg);
    case OPTION_BEARER:
        return http_set_header(job, HTTP_AUTHORIZATION, "Bearer %s", optarg);
    case 'r':
        return http_set_header(job, HTTP_RANGE, "bytes=%s", optarg);
    case 'b':
        return http_add_cookie(job, optarg);
    case 'c':
        job->cookie_jar = optarg;
        return CLI_OK;
    default:
        return -1;
    }
}

static int read_transfer(struct http_job *job, int option) {
    switch (option) {
    case 'L':
        job->max_redirects = job->max_redirects < 0 ? MAX_REDIRECTS : job->max_redirects;
        job->is_following = true;
        return CLI_OK;
    case OPTION_MAX_REDIRS:
        return cli_parse_number(&job->max_redirects, optarg, 0, 1000)
                   ? CLI_OK
                   : cli_usage("http", "--max-redirs %s: a number from 0 to 1000",
                               cli_show(&(struct cli_shown){0}, optarg));
    case OPTION_COMPRESSED:
        job->is_compressed = true;
        return CLI_OK;
    case 'C':
        job->continue_at = optarg;
        return CLI_OK;
    case OPTION_RESUME:
        job->continue_at = job->continue_at ? job->continue_at : "-";
        job->max_resumes = MAX_RESUMES;
        return CLI_OK;
    case OPTION_SSE:
        job->has_events = true;
        return CLI_OK;
    case 'o':
        job->sink.name = optarg;
        return CLI_OK;
    default:
        return -1;
    }
}

static int read_rest(struct http_job *job, int option) {
    bool *flag = option == 'i'                     ? &job->has_include
                 : option == 'I'                   ? &job->is_head
                 : option == 'v'                   ? &job->is_verbose
                 : option == 'f'                   ? &job->has_fail
                 : option == OPTION_FAIL_WITH_BODY ? &job->has_fail_with_body
                 : option == 's'                   ? &job->is_silent
                 : option == 'S'                   ? &job->shows_errors
                                                   : NULL;

    if (flag) {
        *flag = true;
        return CLI_OK;
    }
    switch (option) {
    case 'X':
        job->method = optarg;
        return CLI_OK;
    case OPTION_EXPECT_USER:
        job->connect.expect_user = optarg;
        return CLI_OK;
    case OPTION_UNIX_SOCKET:
        return cli_usage("http", "the socket is the target, without an option: 'sunpath http "
                                 "/run/app.sock /path', or '@name' for an abstract one");
    case 'N':
        return cli_usage("http", "-N: what arrives is written at once, so leave it out; events "
                                 "are followed with --sse");
    default:
        return CLI_USAGE;
    }
}

static int read_option(struct http_job *job, int option) {
    static int (*const readers[])(struct http_job * job, int option) = {
        read_time, read_body, read_header, read_transfer, read_rest};
    int r = -1;

    for (size_t i = 0; r < 0; i++) {
        r = readers[i](job, option);
    }
    return r;
}

/* ---- words ----------------------------------------------------------------------------------- */

/* A known method in any case, or any word in capitals: no address looks like one. */
static bool is_method(const char *word) {
    static const char *const known[] = {"GET",   "HEAD",    "POST",  "PUT",
                                        "PATCH", "OPTIONS", "TRACE", "DELETE"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(word, known[i]) == 0) {
            return true;
        }
    }
    return word[0] != '\0' && strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == strlen(word);
}

/* A fragment is not for the server (RFC 9110 4.2.5). In the name of a socket "#" is none. */
static void cut_fragment(const struct http_job *job) {
    struct sunpath_address address = {0};
    const char *uri = job->path;

    if (!uri && sunpath_address_parse(&address, job->target, NULL) >= 0) {
        uri = address.uri;
    }
    if (uri) {
        *strchrnul(uri, '#') = '\0'; /* of the command line, as is an address's */
    }
}

static int read_words(struct http_job *job, int argc, char **argv) {
    if (argc - optind >= 2 && is_method(argv[optind])) {
        job->method = argv[optind++];
        for (char *at = job->method; *at; at++) {
            *at = (char)toupper((unsigned char)*at);
        }
    }
    if (optind < argc) {
        job->target = argv[optind++];
    }
    if (optind < argc) {
        job->path = argv[optind++];
    }
    if (!job->target) {
        return cli_usage("http", "where to? A TARGET is missing");
    }
    if (optind < argc) {
        return cli_usage("http", "one word too many: '%s'",
                         cli_show(&(struct cli_shown){0}, argv[optind]));
    }
    cut_fragment(job);
    return CLI_OK;
}

/* ---- what goes together ---------------------------------------------------------------------- */

static int check_bodies(const struct http_job *job) {
    const struct {
        const char *name;
        bool is_given;
    } bodies[] = {
        {"--data", job->has_data},
        {"--json", job->is_json},
        {"--form", job->form != NULL},
        {"--upload", job->upload != NULL},
    };
    const char *first = NULL;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        if (bodies[i].is_given && first) {
            return cli_usage("http", "%s and %s: there is only one body", first, bodies[i].name);
        }
        first = bodies[i].is_given ? bodies[i].name : first;
    }
    if (job->is_get && (job->form || job->upload)) {
        return cli_usage("http", "--get: only --data can go into the query");
    }
    if (job->continue_at && (job->set[HTTP_RANGE] || http_has_header(job, "Range"))) {
        return cli_usage("http", "--continue-at and --range: there is only one part");
    }
    if (job->has_events && (first || job->method || job->is_head || job->continue_at)) {
        return cli_usage("http", "--sse: events are asked for with a plain GET");
    }
    return CLI_OK;
}

static int read_offset(struct http_job *job) {
    struct stat file;
    char *end;

    if (!job->continue_at) {
        return CLI_OK;
    }
    if (strcmp(job->continue_at, "-") != 0) {
        job->offset = strtoull(job->continue_at, &end, 10);
        if (!isdigit((unsigned char)job->continue_at[0]) || *end != '\0') {
            return cli_usage("http", "--continue-at %s: an offset in bytes, or -",
                             cli_show(&(struct cli_shown){0}, job->continue_at));
        }
    } else if (job->sink.name && stat(job->sink.name, &file) == 0 && S_ISREG(file.st_mode)) {
        job->offset = (uint64_t)file.st_size;
        job->written_s = file.st_mtime;
    }
    return CLI_OK;
}

int http_read_command_line(struct http_job *job, int argc, char **argv) {
    int option, r;

    job->max_redirects = -1;
    while ((option = cli_option(argc, argv, "d:GF:T:H:A:u:b:c:X:o:iILr:C:vfm:sSN", longs)) != -1) {
        r = option == '?' ? CLI_USAGE : read_option(job, option);
        if (r != CLI_OK) {
            return r;
        }
    }
    if (!job->is_following) {
        job->max_redirects = 0;
    }
    r = read_words(job, argc, argv);
    r = r == CLI_OK ? check_bodies(job) : r;
    return r == CLI_OK ? read_offset(job) : r;
}

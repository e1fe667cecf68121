/* SPDX-License-Identifier: MIT */
/* http-cookies.c - cookies of `sunpath http` on the command line and in files as curl has them. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "http-job.h"
#include "output.h"

/*
 * A line of such a file, which Netscape's browser had first: seven columns with tabs between them,
 * domain, whether its subdomains count, path, secure, expires, name, value. Domain is here what the
 * request's Host is, as it is for curl.
 */
#define N_COLUMNS 7
#define HTTP_ONLY "#HttpOnly_"

static const char *domain_of(const struct http_job *job) {
    for (size_t i = 0; i < job->n_headers; i += 2) {
        if (strcasecmp(job->headers[i], "Host") == 0) {
            return job->headers[i + 1];
        }
    }
    return "localhost";
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool split(char *line, char *columns[N_COLUMNS]) {
    line[strcspn(line, "\r\n")] = '\0';
    for (int i = 0; i < N_COLUMNS; i++) {
        columns[i] = strsep(&line, "\t");
        if (!columns[i]) {
            return i == N_COLUMNS - 1 && (columns[i] = (char *)(uintptr_t) "");
        }
    }
    return !line;
}

/* Lines that are none, and those for other hosts, are passed over, as curl does. */
static void take_line(struct http_job *job, char *line) {
    struct sunpath_http_cookie cookie = {0};
    char *columns[N_COLUMNS];
    const char *domain;

    if (strncmp(line, HTTP_ONLY, strlen(HTTP_ONLY)) == 0) {
        cookie.is_http_only = true;
        line += strlen(HTTP_ONLY);
    }
    if (line[0] == '#' || !split(line, columns)) {
        return;
    }
    domain = columns[0] + (columns[0][0] == '.');
    if (strcasecmp(domain, domain_of(job)) != 0) {
        return;
    }
    cookie.path = columns[2];
    cookie.is_secure = strcasecmp(columns[3], "TRUE") == 0;
    cookie.expires = strtoll(columns[4], NULL, 10);
    cookie.name = columns[5];
    cookie.value = columns[6];
    (void)sunpath_http_cookies_add(job->cookies, &cookie);
}

static int read_file(struct http_job *job, const char *name) {
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    size_t room = 0;
    char *line = NULL;

    if (!in) {
        if (errno == ENOENT) {
            return CLI_OK; /* the first call of those that share one: curl is silent, too */
        }
        cli_say("--cookie %s: %s", cli_show(&(struct cli_shown){0}, name), strerror(errno));
        return http_exit_for_file(-errno);
    }
    while (getline(&line, &room, in) > 0) {
        take_line(job, line);
    }
    free(line);
    if (in != stdin) {
        fclose(in);
    }
    return CLI_OK;
}

/* ---- the options ----------------------------------------------------------------------------- */

int http_add_cookie(struct http_job *job, const char *argument) {
    const char *before = job->set[HTTP_COOKIE];

    if (strchr(argument, '=')) {
        return before ? http_set_header(job, HTTP_COOKIE, "%s; %s", before, argument)
                      : http_set_header(job, HTTP_COOKIE, "%s", argument);
    }
    if (job->cookie_file) {
        return cli_usage("http", "--cookie: only one file can be read");
    }
    job->cookie_file = argument;
    return CLI_OK;
}

int http_open_cookies(struct http_job *job) {
    /* what a server sets on the way is sent back, as long as redirects are followed */
    if ((job->cookie_jar || job->cookie_file || job->max_redirects > 0) &&
        sunpath_http_cookies_new(&job->cookies) < 0) {
        return http_out_of_memory();
    }
    return job->cookie_file ? read_file(job, job->cookie_file) : CLI_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_all(FILE *out, const struct http_job *job) {
    struct sunpath_http_cookie cookie;

    fputs("# Netscape HTTP Cookie File\n# written by sunpath http; curl reads it, too\n\n", out);
    for (size_t i = 0; sunpath_http_cookies_at(job->cookies, i, &cookie); i++) {
        fprintf(out, "%s%s\tFALSE\t%s\t%s\t%lld\t%s\t%s\n", cookie.is_http_only ? HTTP_ONLY : "",
                domain_of(job), cookie.path, cookie.is_secure ? "TRUE" : "FALSE",
                (long long)cookie.expires, cookie.name, cookie.value);
    }
}

/*
 * A file is written beside its place, so that nobody reads half of it and a failure leaves the old
 * one. What is no file (a fifo, /dev/stdout), a link to nothing, or in a directory that cannot be
 * written to, is written where it is: then `*ret_temporary` stays NULL.
 */
static int open_beside(const char *name, char **ret_temporary) {
    struct stat old;
    bool is_there = stat(name, &old) == 0;
    bool is_ours = is_there ? S_ISREG(old.st_mode) : lstat(name, &old) < 0;
    int fd = -1;

    if (is_ours && asprintf(ret_temporary, "%s.XXXXXX", name) >= 0) {
        fd = mkostemp(*ret_temporary, O_CLOEXEC);
        if (fd >= 0 && is_there) {
            (void)fchmod(fd, old.st_mode & 07777);
        }
    }
    if (fd < 0) {
        free(*ret_temporary);
        *ret_temporary = NULL;
        fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    }
    return fd;
}

/* `name` is where it is, no symbolic link. */
static int save_as(const struct http_job *job, const char *name) {
    char *temporary = NULL;
    int fd = open_beside(name, &temporary);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    int r = out ? 0 : -errno;

    if (out) {
        write_all(out, job);
        r = fclose(out) != 0 ? -errno : 0;
    } else if (fd >= 0) {
        close(fd);
    }
    if (r == 0 && temporary && rename(temporary, name) < 0) {
        r = -errno;
    }
    if (r < 0 && temporary) {
        unlink(temporary);
    }
    free(temporary);
    return r;
}

int http_save_cookies(const struct http_job *job) {
    char *name;
    int r;

    if (!job->cookie_jar) {
        return CLI_OK;
    }
    if (strcmp(job->cookie_jar, "-") == 0) {
        write_all(stdout, job);
        r = fflush(stdout) != 0 ? -errno : 0;
    } else {
        name = realpath(job->cookie_jar, NULL);
        r = save_as(job, name ? name : job->cookie_jar);
        free(name);
    }
    if (r < 0) {
        cli_say("--cookie-jar %s: %s", cli_show(&(struct cli_shown){0}, job->cookie_jar),
                strerror(-r));
    }
    return r < 0 ? http_exit_for_file(r) : CLI_OK;
}

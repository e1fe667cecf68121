/* SPDX-License-Identifier: MIT */
/* priorities.c - the names of the log's facilities and levels: syslog(3). */

#include "priorities.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "cli.h"

#define N_FACILITIES 24

static const char *const levels[] = {"emerg",   "alert",  "crit", "err",
                                     "warning", "notice", "info", "debug"};

static const char *const facilities[N_FACILITIES] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "12",     "13",     "14",     "15",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};

/* Other words that logger(1) and configuration files know. */
static const struct {
    const char *name;
    const char *stands_for;
} aliases[] = {{"panic", "emerg"}, {"error", "err"}, {"warn", "warning"}, {"security", "auth"}};

static bool find(int *ret, const char *const *names, int n_names, const char *word) {
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (strcmp(word, aliases[i].name) == 0) {
            word = aliases[i].stands_for;
        }
    }
    for (int i = 0; i < n_names; i++) {
        if (strcmp(word, names[i]) == 0) {
            *ret = i;
            return true;
        }
    }
    return cli_parse_number(ret, word, 0, n_names - 1);
}

bool cli_parse_priority(int *ret, const char *text) {
    const char *dot = strchr(text, '.');
    int facility = LOG_FAC(LOG_USER), level;
    char word[16];

    if (dot != NULL) {
        if ((size_t)(dot - text) >= sizeof(word)) {
            return false;
        }
        memcpy(word, text, (size_t)(dot - text));
        word[dot - text] = '\0';
        if (!find(&facility, facilities, N_FACILITIES, word)) {
            return false;
        }
        text = dot + 1;
    }
    if (!find(&level, levels, LOG_DEBUG + 1, text)) {
        return false;
    }
    *ret = facility << 3 | level;
    return true;
}

const char *cli_show_priority(struct cli_priority *shown, int priority) {
    snprintf(shown->text, sizeof(shown->text), "%s.%s",
             facilities[LOG_FAC(priority) % N_FACILITIES], levels[LOG_PRI(priority)]);
    return shown->text;
}

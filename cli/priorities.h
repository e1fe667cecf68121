/* SPDX-License-Identifier: MIT */
/* priorities.h - the names of the log's facilities and levels: syslog(3). */

#ifndef CLI_PRIORITIES_H
#define CLI_PRIORITIES_H

#include <stdbool.h>

/* Reads "facility.level" or "level", by name or number. False when it is neither. */
bool cli_parse_priority(int *ret, const char *text);

/* "daemon.info". Returns its text. */
struct cli_priority {
    char text[24];
};
const char *cli_show_priority(struct cli_priority *shown, int priority);

#endif

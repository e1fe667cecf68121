/* SPDX-License-Identifier: MIT */
/* help-pages.h - the manual pages of docs/man, compiled in by help-pages.cmake. */

#ifndef CLI_HELP_PAGES_H
#define CLI_HELP_PAGES_H

struct cli_page {
    const char *name; /* "sunpath" or "sunpath-ls" */
    const char *text; /* man(7) source */
};

/* Ends with a NULL name. */
extern const struct cli_page cli_pages[];

#endif

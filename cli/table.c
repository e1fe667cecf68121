/* SPDX-License-Identifier: MIT */
/* table.c - aligned columns that fit a terminal and are complete in a pipe. */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

#define GAP        2  /* blanks between columns */
#define SHRUNK_MIN 12 /* what a column that gives way keeps */

struct cell {
    char *text;
    enum cli_style style;
    unsigned width;
};

struct cli_table {
    const struct cli_column *columns;
    size_t n_columns;
    struct cell *cells; /* row by row */
    size_t n_cells, n_room;
};

static void *or_die(void *pointer) {
    if (pointer == NULL) {
        cli_say("out of memory");
        exit(1);
    }
    return pointer;
}

/* Columns on screen: every character that is not the continuation of one (RFC 3629). */
static unsigned width_of(const char *text) {
    unsigned width = 0;

    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

struct cli_table *cli_table_new(const struct cli_column *columns, size_t n_columns) {
    struct cli_table *table = or_die(calloc(1, sizeof(*table)));

    table->columns = columns;
    table->n_columns = n_columns;
    return table;
}

void cli_table_cell(struct cli_table *table, enum cli_style style, const char *format, ...) {
    struct cell *cell;
    va_list arguments;
    int n;

    if (table->n_cells == table->n_room) {
        table->n_room = table->n_room > 0 ? table->n_room * 2 : 64;
        table->cells = or_die(reallocarray(table->cells, table->n_room, sizeof(*table->cells)));
    }
    cell = &table->cells[table->n_cells];
    va_start(arguments, format);
    n = vasprintf(&cell->text, format, arguments);
    va_end(arguments);
    if (n < 0) {
        or_die(NULL);
    }

    cell->style = style;
    cell->width = width_of(cell->text);
    table->n_cells++;
}

static void measure(const struct cli_table *table, unsigned *widths) {
    for (size_t i = 0; i < table->n_columns; i++) {
        widths[i] = width_of(table->columns[i].heading);
    }
    for (size_t i = 0; i < table->n_cells; i++) {
        unsigned *width = &widths[i % table->n_columns];

        if (table->cells[i].width > *width) {
            *width = table->cells[i].width;
        }
    }
}

/* Takes from the columns that give way what a terminal line has too little. */
static void fit(const struct cli_table *table, unsigned *widths) {
    unsigned room = cli_terminal_width(stdout);
    unsigned total = 0;

    for (size_t i = 0; i < table->n_columns; i++) {
        total += widths[i] + (i > 0 ? GAP : 0);
    }
    for (size_t i = 0; i < table->n_columns && room > 0 && total > room; i++) {
        unsigned excess = total - room;
        unsigned spare = widths[i] > SHRUNK_MIN ? widths[i] - SHRUNK_MIN : 0;

        if (table->columns[i].flags & CLI_SHRINKS) {
            spare = spare < excess ? spare : excess;
            widths[i] -= spare;
            total -= spare;
        }
    }
}

/* The byte where the `n`-th character of `text` begins. */
static size_t offset_of(const char *text, unsigned n) {
    size_t at = 0;

    for (; text[at] != '\0'; at++) {
        if (((unsigned char)text[at] & 0xc0) != 0x80 && n-- == 0) {
            break;
        }
    }
    return at;
}

/* Too long a name loses its middle: where it is and what it is called both matter. */
static void print_text(const struct cell *cell, unsigned width) {
    unsigned head, tail;

    if (cell->width <= width) {
        fputs(cell->text, stdout);
        return;
    }
    head = (width - 1) / 2;
    tail = width - 1 - head;
    printf("%.*s\u2026%s", (int)offset_of(cell->text, head), cell->text,
           cell->text + offset_of(cell->text, cell->width - tail));
}

static void print_cell(const struct cell *cell, unsigned flags, unsigned width, bool is_last) {
    unsigned shown = cell->width < width ? cell->width : width;

    if (flags & CLI_RIGHT) {
        printf("%*s", (int)(width - shown), "");
    }
    fputs(cli_style_on(stdout, cell->style), stdout);
    print_text(cell, width);
    fputs(cli_style_off(stdout, cell->style), stdout);
    if (is_last) {
        putchar('\n');
    } else {
        printf("%*s", (int)(GAP + (flags & CLI_RIGHT ? 0 : width - shown)), "");
    }
}

static struct cli_table *table_free(struct cli_table *table) {
    for (size_t i = 0; i < table->n_cells; i++) {
        free(table->cells[i].text);
    }
    free(table->cells);
    free(table);
    return NULL;
}

struct cli_table *cli_table_print(struct cli_table *table) {
    unsigned *widths = or_die(calloc(table->n_columns, sizeof(*widths)));

    measure(table, widths);
    fit(table, widths);
    for (size_t i = 0; i < table->n_columns; i++) {
        struct cell heading = {(char *)table->columns[i].heading, CLI_BOLD,
                               width_of(table->columns[i].heading)};

        print_cell(&heading, table->columns[i].flags, widths[i], i + 1 == table->n_columns);
    }
    for (size_t i = 0; i < table->n_cells; i++) {
        size_t column = i % table->n_columns;

        print_cell(&table->cells[i], table->columns[column].flags, widths[column],
                   column + 1 == table->n_columns);
    }
    free(widths);
    return table_free(table);
}

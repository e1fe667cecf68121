/* SPDX-License-Identifier: MIT */
/* cmd-help.c - shows manual pages: the part of man(7) that docs/man is written in. */

#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "help-pages.h"
#include "output.h"

#define INDENT      4
#define INDENT_BODY 10 /* of what stands below an option */
#define WIDTH_MAX   96
#define SOURCE_LINE 1024

/* Fonts inside prepared text are control characters, which no page contains. */
enum {
    FONT_ROMAN = 1,
    FONT_BOLD = 2,
    FONT_ITALIC = 3
};

struct printer {
    unsigned width, indent, column;
    bool is_verbatim, is_tag, is_below_heading, has_colour;
};

static void put(struct printer *p, char c) {
    static const char *const codes[] = {"", "\033[0m", "\033[1m", "\033[4m"};

    if ((unsigned char)c > FONT_ITALIC) {
        putchar(c);
        p->column += ((unsigned char)c & 0xc0) != 0x80;
    } else if (p->has_colour) {
        fputs(codes[(int)c], stdout);
    }
}

static void end_line(struct printer *p) {
    if (p->column > 0) {
        putchar('\n');
        p->column = 0;
    }
}

static void end_paragraph(struct printer *p) {
    end_line(p);
    if (!p->is_below_heading) {
        putchar('\n');
    }
}

static void move_to(struct printer *p, unsigned column) {
    while (p->column < column) {
        put(p, ' ');
    }
}

static void put_word(struct printer *p, const char *word, size_t n) {
    unsigned shown = 0;

    for (size_t i = 0; i < n; i++) {
        shown += (unsigned char)word[i] > FONT_ITALIC && ((unsigned char)word[i] & 0xc0) != 0x80;
    }
    if (p->column > p->indent && p->column + 1 + shown > p->width) {
        end_line(p);
    }
    if (p->column > p->indent) {
        put(p, ' ');
    }
    move_to(p, p->indent);
    p->is_below_heading = false;
    for (size_t i = 0; i < n; i++) {
        put(p, word[i]);
    }
}

static void put_text(struct printer *p, const char *text) {
    if (p->is_verbatim) {
        move_to(p, text[0] == '\0' ? 0 : p->indent + INDENT);
        for (; *text != '\0'; text++) {
            put(p, *text);
        }
        putchar('\n');
        p->column = 0;
        return;
    }
    while (*text != '\0') {
        size_t n = strcspn(text, " ");

        if (n > 0) {
            put_word(p, text, n);
        }
        text += n + (text[n] == ' ');
    }
    if (p->is_tag) {
        p->is_tag = false;
        p->indent = INDENT_BODY;
        if (p->column + 2 > p->indent) {
            end_line(p);
        }
        move_to(p, p->column > 0 ? p->indent : 0);
    }
}

/* One escape of roff behind its backslash; returns its length. */
static size_t prepare_escape(char **out, const char *in) {
    switch (in[0]) {
    case 'f':
        *(*out)++ = in[1] == 'B' ? FONT_BOLD : in[1] == 'I' ? FONT_ITALIC : FONT_ROMAN;
        return in[1] == '\0' ? 1 : 2;
    case 'e':
        *(*out)++ = '\\';
        return 1;
    case '(': /* \(aq, the only one in use */
        *(*out)++ = '\'';
        return strlen(in) < 3 ? strlen(in) : 3;
    case '&':
        return 1;
    case '\0':
        return 0;
    default:
        *(*out)++ = in[0];
        return 1;
    }
}

/* Roff's inline escapes become text and fonts. `out` has room for `in`. */
static void prepare(char *out, const char *in) {
    while (*in != '\0') {
        if (*in == '\\') {
            in += 1 + prepare_escape(&out, in + 1);
        } else {
            *out++ = *in++;
        }
    }
    *out = '\0';
}

/* The next argument of a macro, quotes removed; NULL behind the last. */
static char *next_argument(char **line) {
    char *argument = *line + strspn(*line, " ");
    bool is_quoted = argument[0] == '"';
    size_t n;

    argument += is_quoted;
    n = strcspn(argument, is_quoted ? "\"" : " ");
    if (n == 0 && !is_quoted) {
        return NULL;
    }
    *line = argument + n + (argument[n] != '\0');
    argument[n] = '\0';
    return argument;
}

/* .B, .I: all words in one font. .BR, .IR, .BI ...: joined, in two fonts by turns. */
static void put_fonts(struct printer *p, const char *fonts, char *line) {
    char text[SOURCE_LINE] = "", ready[SOURCE_LINE];
    size_t n_fonts = strlen(fonts);
    char *argument;

    for (size_t i = 0; (argument = next_argument(&line)) != NULL; i++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used, "%s\\f%c%s\\fR",
                 n_fonts == 1 && i > 0 ? " " : "", fonts[i % n_fonts], argument);
    }
    prepare(ready, text);
    put_text(p, ready);
}

static void put_heading(struct printer *p, char *line) {
    bool is_first = strcmp(line, "NAME") == 0;

    end_line(p);
    p->indent = 0;
    fputs(is_first ? "" : "\n", stdout);
    put_fonts(p, "B", line);
    end_line(p);
    p->indent = INDENT;
    p->is_below_heading = true;
}

static void do_macro(struct printer *p, char *line) {
    static const char *const fonts[] = {"B", "I", "BR", "RB", "IR", "RI", "BI", "IB"};
    size_t n = strcspn(line, " ");
    char *rest = line + n + strspn(line + n, " ");

    line[n] = '\0';
    for (size_t i = 0; i < sizeof(fonts) / sizeof(fonts[0]); i++) {
        if (strcmp(line, fonts[i]) == 0) {
            put_fonts(p, line, rest);
            return;
        }
    }
    if (strcmp(line, "SH") == 0) {
        put_heading(p, rest);
    } else if (strcmp(line, "PP") == 0 || strcmp(line, "TP") == 0) {
        end_paragraph(p);
        p->indent = INDENT;
        p->is_tag = line[0] == 'T';
    } else if (strcmp(line, "EX") == 0 || strcmp(line, "nf") == 0) {
        end_line(p);
        p->is_verbatim = true;
    } else if (strcmp(line, "EE") == 0 || strcmp(line, "fi") == 0) {
        end_line(p);
        p->is_verbatim = false;
    } else if (strcmp(line, "br") == 0) {
        end_line(p);
    }
}

static void show_page(const char *text) {
    struct printer p = {.width = cli_terminal_width(stdout), .indent = INDENT};
    char line[SOURCE_LINE], ready[SOURCE_LINE];

    p.has_colour = cli_has_colour(stdout);
    p.width = p.width == 0 ? 80 : p.width > WIDTH_MAX ? WIDTH_MAX : p.width;
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");

        snprintf(line, sizeof(line), "%.*s", (int)n, text);
        text += n + (text[n] == '\n');
        if (line[0] == '.') {
            do_macro(&p, line + 1);
        } else {
            prepare(ready, line);
            put_text(&p, ready);
        }
    }
    end_line(&p);
}

static int show_overview(void) {
    puts("Usage: sunpath [VERB [ARGUMENT...]]\n");
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        printf("  %s%-8s%s  %s\n", cli_style_on(stdout, CLI_BOLD), verb->name,
               cli_style_off(stdout, CLI_BOLD), verb->summary);
    }
    puts("\nWithout a verb: ls. 'sunpath help VERB' shows a verb's manual, 'sunpath help sunpath'\n"
         "what is common to all: how addresses are written, and the exit statuses.");
    return CLI_OK;
}

int cmd_help(int argc, char **argv) {
    char name[64];

    if (argc < 2) {
        return show_overview();
    }
    if (argc > 2) {
        return cli_usage("help", "one verb is enough");
    }
    if (strcmp(argv[1], "--help") == 0) {
        argv[1] = (char *)"help";
    }
    for (const struct cli_page *page = cli_pages; page->name != NULL; page++) {
        snprintf(name, sizeof(name), "sunpath-%s", argv[1]);
        if (strcmp(page->name, name) == 0 || strcmp(page->name, argv[1]) == 0) {
            show_page(page->text);
            return CLI_OK;
        }
    }
    return cli_unknown_verb(argv[1]);
}

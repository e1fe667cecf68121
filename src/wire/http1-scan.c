/* SPDX-License-Identifier: MIT */
/* http1-scan.c - the table of byte classes. */

#include "wire/http1-scan.h"

/* The definitions of RFC 9110 5.6.2 and 5.5 and RFC 3986 2, spelled out for the compiler. */
#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_HEX(c)   (IS_DIGIT(c) || (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'f'))
#define IS_ALNUM(c) (IS_DIGIT(c) || (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'z'))
#define IS_TOKEN(c)                                                                       \
    (IS_ALNUM(c) || (c) == '!' || (c) == '#' || (c) == '$' || (c) == '%' || (c) == '&' || \
     (c) == '\'' || (c) == '*' || (c) == '+' || (c) == '-' || (c) == '.' || (c) == '^' || \
     (c) == '_' || (c) == '`' || (c) == '|' || (c) == '~')
#define IS_VALUE(c)  ((c) == '\t' || ((c) >= 0x20 && (c) != 0x7f))
#define IS_TARGET(c) ((c) > 0x20 && (c) < 0x7f && (c) != '#')
#define IS_HOST(c)                                                                        \
    (IS_ALNUM(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~' || (c) == '!' || \
     (c) == '$' || (c) == '&' || (c) == '\'' || (c) == '(' || (c) == ')' || (c) == '*' || \
     (c) == '+' || (c) == ',' || (c) == ';' || (c) == '=')

#define CLASS(c)                                                             \
    ((IS_TOKEN(c) ? SP_CHAR_TOKEN : 0) | (IS_VALUE(c) ? SP_CHAR_VALUE : 0) | \
     (IS_TARGET(c) ? SP_CHAR_TARGET : 0) | (IS_HOST(c) ? SP_CHAR_HOST : 0) | \
     (IS_HEX(c) ? SP_CHAR_HEX : 0) | (IS_DIGIT(c) ? SP_CHAR_DIGIT : 0))
#define FOUR(c)    CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define SIXTEEN(c) FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)

const uint8_t sp_http_chars[256] = {
    SIXTEEN(0x00), SIXTEEN(0x10), SIXTEEN(0x20), SIXTEEN(0x30), SIXTEEN(0x40), SIXTEEN(0x50),
    SIXTEEN(0x60), SIXTEEN(0x70), SIXTEEN(0x80), SIXTEEN(0x90), SIXTEEN(0xa0), SIXTEEN(0xb0),
    SIXTEEN(0xc0), SIXTEEN(0xd0), SIXTEEN(0xe0), SIXTEEN(0xf0),
};

#define BIT(low, high) (IS_TOKEN((high) << 4 | (low)) ? 1 << (high) : 0)
#define ROW(low)                                                                        \
    BIT(low, 0) | BIT(low, 1) | BIT(low, 2) | BIT(low, 3) | BIT(low, 4) | BIT(low, 5) | \
        BIT(low, 6) | BIT(low, 7)

const uint8_t sp_http_token_rows[16] = {
    ROW(0), ROW(1), ROW(2),  ROW(3),  ROW(4),  ROW(5),  ROW(6),  ROW(7),
    ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15),
};

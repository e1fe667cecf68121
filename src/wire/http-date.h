/* SPDX-License-Identifier: MIT */
/* http-date.h - dates as HTTP has them (RFC 9110 5.6.7): pure functions. */

#ifndef SP_WIRE_HTTP_DATE_H
#define SP_WIRE_HTTP_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_HTTP_DATE_SIZE 29

/*
 * Writes "Sun, 06 Nov 1994 08:49:37 GMT", SP_HTTP_DATE_SIZE bytes without a NUL, and returns their
 * end. Times outside of 1970 to 9999 become the nearest.
 */
char *sp_http_write_date(char *at, int64_t unix_seconds);

/* The years that can be written. */
bool sp_http_is_date(int64_t unix_seconds);

/*
 * Reads a date in any of the three forms; `now` tells what century two digits mean. False: it is
 * none. The name of the weekday must be one, but need not be that day's; a leap second is taken.
 */
bool sp_http_read_date(int64_t *ret, const char *text, size_t size, int64_t now);

#endif

/* SPDX-License-Identifier: MIT */
/* files-type.c - what type a file has, by its name. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "web/files.h"

/* By the IANA registry and what browsers expect; sorted, for bsearch(). */
static const struct known {
    const char *extension;
    const char *type;
} known[] = {
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"apng", "image/apng"},
    {"atom", "application/atom+xml"},
    {"avi", "video/x-msvideo"},
    {"avif", "image/avif"},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"br", "application/octet-stream"},
    {"bz2", "application/x-bzip2"},
    {"c", "text/plain"},
    {"cjs", "text/javascript"},
    {"conf", "text/plain"},
    {"cpp", "text/plain"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"deb", "application/vnd.debian.binary-package"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"eot", "application/vnd.ms-fontobject"},
    {"epub", "application/epub+zip"},
    {"flac", "audio/flac"},
    {"geojson", "application/geo+json"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"h", "text/plain"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar"},
    {"iso", "application/octet-stream"},
    {"jar", "application/java-archive"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"jsonld", "application/ld+json"},
    {"jxl", "image/jxl"},
    {"log", "text/plain"},
    {"m3u8", "application/vnd.apple.mpegurl"},
    {"m4a", "audio/mp4"},
    {"m4v", "video/mp4"},
    {"map", "application/json"},
    {"md", "text/markdown"},
    {"mid", "audio/midi"},
    {"mjs", "text/javascript"},
    {"mkv", "video/matroska"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpd", "application/dash+xml"},
    {"mpeg", "video/mpeg"},
    {"mpg", "video/mpeg"},
    {"ndjson", "application/x-ndjson"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"pem", "application/x-pem-file"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"ps", "application/postscript"},
    {"py", "text/x-python"},
    {"rar", "application/vnd.rar"},
    {"rss", "application/rss+xml"},
    {"rtf", "application/rtf"},
    {"sh", "text/x-shellscript"},
    {"svg", "image/svg+xml"},
    {"svgz", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tgz", "application/gzip"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"toml", "application/toml"},
    {"ts", "video/mp2t"},
    {"tsv", "text/tab-separated-values"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain"},
    {"vtt", "text/vtt"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"xsl", "application/xml"},
    {"xz", "application/x-xz"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

/* "text/html; charset=utf-8" */
static const char *with_charset(struct sp_arena *arena, const char *type, const char *charset) {
    size_t size = strlen(type) + strlen(charset) + sizeof("; charset=");
    char *text = sp_arena_alloc(arena, size);

    if (text) {
        snprintf(text, size, "%s; charset=%s", type, charset);
    }
    return text;
}

int sp_files_types_init(struct sunpath_files *files) {
    const char *charset = files->options.text_encoding ? files->options.text_encoding : "utf-8";

    files->known_types = sp_arena_alloc(&files->arena, sizeof(known) / sizeof(known[0]) *
                                                           sizeof(files->known_types[0]));
    if (!files->known_types) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < SP_ARRAY_SIZE(known); i++) {
        bool is_text = *charset && strncmp(known[i].type, "text/", 5) == 0;

        files->known_types[i] =
            is_text ? with_charset(&files->arena, known[i].type, charset) : known[i].type;
        if (!files->known_types[i]) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int compare(const void *extension, const void *entry) {
    return strcasecmp(extension, ((const struct known *)entry)->extension);
}

const char *sunpath_files_type(const struct sunpath_files *files, const char *name) {
    const char *slash = strrchr(name, '/');
    const char *dot = strrchr(slash ? slash : name, '.');
    const struct known *found;

    if (!dot) {
        return files->options.default_type;
    }
    for (size_t i = files->types.n_pairs; i > 0; i--) { /* the last one said counts */
        if (strcasecmp(files->types.pairs[i - 1].name, dot + 1) == 0) {
            return files->types.pairs[i - 1].value;
        }
    }
    found = bsearch(dot + 1, known, SP_ARRAY_SIZE(known), sizeof(known[0]), compare);
    return found ? files->known_types[found - known] : files->options.default_type;
}

/*
 * analyzer.h - where gcc's -fanalyzer (the preset analyzer) is wrong: gcc 12 loses what stands in an array or
 * behind a count of references. To be used at the head of a file, with the reason.
 *
 *     ANALYZER_IGNORES("-Wanalyzer-malloc-leak")
 */
#ifndef PBRUN_ANALYZER_H
#define PBRUN_ANALYZER_H

#if defined(__GNUC__) && !defined(__clang__)
#define ANALYZER_PRAGMA(text) _Pragma(#text)
#define ANALYZER_IGNORES(warning) ANALYZER_PRAGMA(GCC diagnostic ignored warning)
#else
#define ANALYZER_IGNORES(warning)
#endif

#endif

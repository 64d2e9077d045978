/*
 * WAMR's platform functions for a core without an operating system: one thread, no files, no clock.
 *
 * WAMR chooses the file's name (core/shared/platform/include). The functions are in platform.c.
 */
#ifndef _PLATFORM_INTERNAL_H
#define _PLATFORM_INTERNAL_H

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BH_APPLET_PRESERVED_STACK_SIZE 2048
#define BH_THREAD_DEFAULT_PRIORITY 5

typedef int korp_tid, korp_mutex, korp_cond, korp_thread, korp_rwlock, korp_sem;
typedef int os_file_handle, os_raw_file_handle, os_poll_file_handle, os_timespec;
typedef void* os_dir_stream;
typedef unsigned int os_nfds_t;

/* Linear memories are rounded up to this size. It is small, since there is no page table. */
static inline int os_getpagesize(void) { return 16; }
static inline os_file_handle os_get_invalid_handle(void) { return -1; }

#endif

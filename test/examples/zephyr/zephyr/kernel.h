/* The part of Zephyr's kernel that the example needs: names and types as in include/zephyr/kernel.h. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
	int64_t ticks;
} k_timeout_t;
#define K_USEC(t) ((k_timeout_t){t})
struct k_timer {
	int64_t period;
};
typedef void (*k_timer_expiry_t)(struct k_timer *timer);
typedef void (*k_timer_stop_t)(struct k_timer *timer);
#define K_TIMER_DEFINE(name, expiry_fn, stop_fn)                                                                                                      \
	static k_timer_expiry_t const name##_expiry __attribute__((unused)) = expiry_fn;                                                              \
	static k_timer_stop_t const name##_stop __attribute__((unused)) = stop_fn;                                                                    \
	struct k_timer name
void k_timer_start(struct k_timer *timer, k_timeout_t duration, k_timeout_t period);
uint32_t k_timer_status_sync(struct k_timer *timer);
#define CLAMP(val, low, high) (((val) <= (low)) ? (low) : (((val) > (high)) ? (high) : (val)))
void printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

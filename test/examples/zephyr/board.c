/*
 * A simulated sensor and timer for the example. Standard input has one frame per line, six values (m/s^2,
 * then rad/s). `lost` is a frame that the driver does not deliver; after a line with `late` two periods have
 * passed. The program ends with its input.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zephyr/drivers/sensor.h>
#include <zephyr/kernel.h>

const struct device imu_device = {"imu"};
static double values[6];
static int64_t period;
static char line[256];

bool device_is_ready(const struct device *dev) { return dev == &imu_device; }

void k_timer_start(struct k_timer *timer, k_timeout_t duration, k_timeout_t each)
{
	timer->period = period = each.ticks;
	if (duration.ticks != 20000 || period != 20000) exit(3);
}

uint32_t k_timer_status_sync(struct k_timer *timer)
{
	if (timer->period != period || !fgets(line, sizeof line, stdin)) exit(timer->period == period ? 0 : 3);
	return strncmp(line, "late", 4) == 0 ? 2 : 1;
}

int sensor_sample_fetch(const struct device *dev)
{
	char *at = line + (strncmp(line, "late ", 5) == 0 ? 5 : 0);
	int n = sscanf(at, "%lf %lf %lf %lf %lf %lf", values, values + 1, values + 2, values + 3, values + 4, values + 5);
	return dev == &imu_device && n == 6 ? 0 : -5;
}

int sensor_channel_get(const struct device *dev, enum sensor_channel chan, struct sensor_value *val)
{
	const double *from = values + (chan == SENSOR_CHAN_GYRO_XYZ ? 3 : 0);
	for (int i = 0; i < 3; i++) {
		val[i].val1 = (int32_t)trunc(from[i]);
		val[i].val2 = (int32_t)round(1e6 * (from[i] - trunc(from[i])));
	}
	return dev == &imu_device ? 0 : -1;
}

void printk(const char *fmt, ...)
{
	va_list list;
	va_start(list, fmt);
	vprintf(fmt, list);
	va_end(list);
}

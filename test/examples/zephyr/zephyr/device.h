/* The part of Zephyr's device model that the example needs, for a compiler without a Zephyr tree. */
#pragma once
#include <stdbool.h>

struct device {
	const char *name;
};
extern const struct device imu_device;
#define DT_ALIAS(alias) alias##_device
#define DEVICE_DT_GET(node) (&(node))
bool device_is_ready(const struct device *dev);

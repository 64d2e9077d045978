/* The part of Zephyr's sensor API that the example needs: names, types and signs as in
   include/zephyr/drivers/sensor.h. */
#pragma once
#include <stdint.h>
#include <zephyr/device.h>

enum sensor_channel { SENSOR_CHAN_ACCEL_XYZ = 3, SENSOR_CHAN_GYRO_XYZ = 7 };
struct sensor_value {
	int32_t val1;
	int32_t val2; /* millionths, with the sign of val1 */
};
int sensor_sample_fetch(const struct device *dev);
int sensor_channel_get(const struct device *dev, enum sensor_channel chan, struct sensor_value *val);
static inline double sensor_value_to_double(const struct sensor_value *val)
{
	return (double)val->val1 + (double)val->val2 / 1000000;
}

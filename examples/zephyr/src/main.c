/* Reports six times a second what the wearer of a wrist sensor does. Uses an accelerometer with a gyroscope,
   and the model as C (activity.h). */
#include <zephyr/device.h>
#include <zephyr/drivers/sensor.h>
#include <zephyr/kernel.h>

#include "activity.h"

/* The model was trained on g and on units of 250 degrees/s. Zephyr's units are m/s^2 and rad/s. */
#define PER_ACCELERATION 9.80665f
#define PER_ROTATION (250.0f * 3.14159265f / 180.0f)

static const struct device *const imu = DEVICE_DT_GET(DT_ALIAS(imu));

K_TIMER_DEFINE(frames, NULL, NULL);

static int8_t quantise(float x)
{
	const float q = x / ACTIVITY_INPUT0_SCALE;
	const int value = (int)(q < 0 ? q - 0.5f : q + 0.5f) + ACTIVITY_INPUT0_ZERO_POINT;

	return (int8_t)CLAMP(value, -128, 127);
}

/* Reads one frame of the model's input: ax ay az gx gy gz. Returns 0, or the driver's error. */
static int read_frame(int8_t *frame)
{
	struct sensor_value acceleration[3], rotation[3];
	int error = sensor_sample_fetch(imu);

	if (error == 0) {
		error = sensor_channel_get(imu, SENSOR_CHAN_ACCEL_XYZ, acceleration);
	}
	if (error == 0) {
		error = sensor_channel_get(imu, SENSOR_CHAN_GYRO_XYZ, rotation);
	}
	for (int i = 0; error == 0 && i < 3; i++) {
		frame[i] = quantise((float)sensor_value_to_double(&acceleration[i]) / PER_ACCELERATION);
		frame[3 + i] = quantise((float)sensor_value_to_double(&rotation[i]) / PER_ROTATION);
	}
	return error;
}

static void report(const int8_t *scores)
{
	int best = 0;

	for (int i = 1; i < ACTIVITY_LABELS; i++) {
		if (scores[i] > scores[best]) {
			best = i;
		}
	}
	printk("%s %d %%\n", activity_labels[best],
	       (int)(100 * ACTIVITY_OUTPUT0_SCALE * (scores[best] - ACTIVITY_OUTPUT0_ZERO_POINT)));
}

int main(void)
{
	const k_timeout_t period = K_USEC((int)(1000000 / ACTIVITY_RATE_HZ));
	int in_hop = 0;

	if (!device_is_ready(imu)) {
		printk("the sensor of the alias imu is not ready\n");
		return 0;
	}
	activity_reset();
	k_timer_start(&frames, period, period);
	for (;;) {
		const uint32_t due = k_timer_status_sync(&frames);
		const int error = read_frame(activity_input(0) + in_hop * ACTIVITY_INPUT0_FRAME);

		/* the model must not see the frames on both sides of a gap as neighbours */
		if (due > 1 || error != 0) {
			printk("frames were lost (%d): the signal restarts\n", error);
			activity_reset();
			in_hop = 0;
			continue;
		}
		if (++in_hop < ACTIVITY_HOP) {
			continue;
		}
		in_hop = 0;
		if (activity_push(ACTIVITY_HOP) == 1) {
			report(activity_output(0));
		}
	}
}

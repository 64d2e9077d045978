// Reports six times a second what the wearer of a wrist sensor does. Uses an MPU-6050 over I2C, and the model
// as C (activity.h, activity.c).
#include <Wire.h>
#include <activity.h>

static const uint8_t sensor = 0x68;
static const uint8_t power = 0x6b, gyroRange = 0x1b, accelRange = 0x1c, firstValue = 0x3b;
static const uint32_t periodUs = (uint32_t)(1000000 / ACTIVITY_RATE_HZ);

// The model was trained on g and on units of 250 degrees/s. The sensor is set to 4 g and 500 degrees/s.
static const float perAcceleration = 8192.0f;
static const float perRotation = 65.5f * 250.0f;

static int framesInHop = 0;
static uint32_t nextFrameUs = 0;

static bool writeRegister(uint8_t where, uint8_t value) {
  Wire.beginTransmission(sensor);
  Wire.write(where);
  Wire.write(value);
  return Wire.endTransmission() == 0;
}

static int8_t quantise(float x) {
  float q = x / ACTIVITY_INPUT0_SCALE;
  int value = (int)(q < 0 ? q - 0.5f : q + 0.5f) + ACTIVITY_INPUT0_ZERO_POINT;
  return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

// Reads one frame of the model's input: ax ay az gx gy gz. The sensor has its temperature between the two.
static bool readFrame(int8_t *frame) {
  Wire.beginTransmission(sensor);
  Wire.write(firstValue);
  if (Wire.endTransmission(false) != 0 || Wire.requestFrom(sensor, (uint8_t)14) != 14) return false;
  int16_t values[7];
  for (int i = 0; i < 7; i++) {
    int high = Wire.read();
    values[i] = (int16_t)(high << 8 | Wire.read());
  }
  for (int i = 0; i < 3; i++) {
    frame[i] = quantise(values[i] / perAcceleration);
    frame[3 + i] = quantise(values[4 + i] / perRotation);
  }
  return true;
}

// Restarts after lost frames: the model must not see the frames on both sides of a gap as neighbours.
static void beginAgain() {
  activity_reset();
  framesInHop = 0;
  nextFrameUs = micros();
}

static void report() {
  const int8_t *scores = activity_output(0);
  int best = 0;
  for (int i = 1; i < ACTIVITY_LABELS; i++)
    if (scores[i] > scores[best]) best = i;
  Serial.print(activity_labels[best]);
  Serial.print(' ');
  Serial.println(ACTIVITY_OUTPUT0_SCALE * (scores[best] - ACTIVITY_OUTPUT0_ZERO_POINT), 2);
}

void setup() {
  Serial.begin(115200);
  Wire.begin();
  Wire.setClock(400000);
  while (!writeRegister(power, 0) || !writeRegister(accelRange, 0x08) || !writeRegister(gyroRange, 0x08)) {
    Serial.println("no MPU-6050 at I2C address 0x68: check VCC, GND, SDA and SCL");
    delay(1000);
  }
  beginAgain();
}

void loop() {
  uint32_t lateUs = (uint32_t)micros() - nextFrameUs;
  if (lateUs > 0x80000000UL) return;
  if (lateUs > periodUs) beginAgain();
  nextFrameUs += periodUs;
  if (!readFrame(activity_input(0) + framesInHop * ACTIVITY_INPUT0_FRAME)) {
    Serial.println("a frame was lost: the signal restarts");
    beginAgain();
    return;
  }
  if (++framesInHop < ACTIVITY_HOP) return;
  framesInHop = 0;
  if (activity_push(ACTIVITY_HOP) == 1) report();
}

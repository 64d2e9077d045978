/* The functions of Arduino's Wire that the sketch calls, declared as in ArduinoCore-API. */
#pragma once
#include "Arduino.h"

struct TwoWire {
  void begin();
  void setClock(uint32_t hertz);
  void beginTransmission(uint8_t address);
  size_t write(uint8_t byte);
  uint8_t endTransmission(bool stop = true);
  uint8_t requestFrom(uint8_t address, uint8_t count);
  int read();
};
extern TwoWire Wire;

/*
 * The console's command `flash`: models over the line that the console is on (docs/serial.md).
 */
#ifndef RECEIVE_H
#define RECEIVE_H

/** Takes frames until `bye`, or until none came for a while; starts the device again where that is wanted. For esp_console. */
int receive_command(int count, char** args);

#endif

/*
 * The console's command `flash`: receives a model over the console's line (docs/serial.md).
 */
#ifndef RECEIVE_H
#define RECEIVE_H

/** Handles frames until `bye` or a timeout; restarts the device if a request needs it. For esp_console. */
int receive_command(int count, char** args);

#endif

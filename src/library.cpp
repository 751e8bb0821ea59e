// The shared library is made of the folders below; CMake wants a library to have a source file of its own.

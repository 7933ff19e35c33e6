"""What popular documents say of Keras' argument ``decay=``: that it takes a fixed amount off the rate each epoch."""

"""What is shared, who may see it, where it lies, and what applies to a parcel."""

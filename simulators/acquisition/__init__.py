"""What the instrument does: beam, way through the specimen, detector, and kinds of scans."""

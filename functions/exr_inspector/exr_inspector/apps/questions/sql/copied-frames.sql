-- Which frames are copies of another?
--
-- Equal size and eTag mean equal bytes: a frame was copied over its neighbor, or a publish stored it twice. Files that
-- were not read from S3 have no eTag.
SELECT array_agg(file_path ORDER BY file_path) AS paths, size_bytes
FROM files
WHERE etag IS NOT NULL AND size_bytes > 0
GROUP BY etag, size_bytes
HAVING count(*) > 1
ORDER BY 1

-- Which files can OpenImageIO not open?
--
-- Find valid files that most applications reject. exr-inspector reads them.
SELECT coalesce(sequence_key, file_path) AS sequence_or_file, openimageio_message, count(*) AS files
FROM files
WHERE status = 'ok' AND NOT openimageio_opens
GROUP BY 1, 2
ORDER BY 1

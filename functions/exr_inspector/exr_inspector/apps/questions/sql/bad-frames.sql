-- Which frames must be rendered again?
--
-- Find files that exist but are incomplete, corrupt or not EXR files, with the frames of each sequence.
SELECT coalesce(sequence_key, file_path) AS sequence_or_file, status,
       array_agg(frame_number ORDER BY frame_number) FILTER (WHERE frame_number IS NOT NULL) AS frames
FROM files
WHERE status IN ('incomplete', 'corrupt', 'unsupported')
GROUP BY 1, 2
ORDER BY 1, 2
